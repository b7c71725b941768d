/** What OpenAPI says of the stream. */
import type { z } from "../../deps.ts";
import type { Description } from "./description.ts";

export const EVENT_STREAM = "text/event-stream";

export function streamAbout(query: z.ZodObject): Description {
  return {
    id: "streamResults",
    topic: "Results",
    summary: "Results as they are committed, as Server-Sent Events",
    text: `What \`EventSource\` in a browser and \`plumbline tap\` in a terminal read \
(WHATWG HTML, section 9.2); \
\`curl -N\` shows it as it comes.

- Each committed result is one event: an \`anomaly\` where its \`is_anomaly\` is true, otherwise a \
\`result\`. Its data is the result, byte for byte as it goes to the output topic: \
\`id: 1ee0c27a.2.0.1\`, \`event: anomaly\`, \`data: {"device_id":"press-7",…}\`, each in a line, and an empty \
line behind them.
- Events come in the order in which results were committed. What isn't committed is never shown.
- Without an id the stream begins with the next result.
- A comment (\`:\`) comes where nothing else did for 15 s. An \`id:\` alone, at most once a second, says how \
far a stream has come in which no result passes the filter.

**Coming back.** An event's id is a place among all results of the data folder. Whoever comes back with it \
gets what was committed since then, each result once, also over a restart of the engine, a kill, and with \
another filter. That goes as far back as results are kept: in the journal, until every sink has \
acknowledged them and a checkpoint includes them (at least some 5 s); and the newest 16 MiB in memory, while \
anybody reads the stream and a minute longer. Where that isn't far enough the first event is a \`gap\`, and \
the stream goes on with the oldest result that is kept: \`event: gap\`, \
\`data: {"reason":"not kept","after":"1ee0c27a.3.0.2","missed":12}\`.

- \`reason\`: \`not kept\`, or \`unknown id\` where it is no id of this data folder (another one is in use, or an \
older copy of it): all that is kept is sent, so some may have been seen.
- \`after\`: the id that it came with, 80 characters of it.
- \`missed\`: how many results lie in between, of all tenants and devices, whatever the filter. null: that \
isn't known (the id isn't, or more than 5,000 journal rows would have to be looked at), or the request may \
see some tenants only. These get ids without the last part, which counts everybody's results. The other \
parts are a place in the journal, which all tenants share: they tell that others send something, never what.

**Limits.** Nobody waits for a reader. One that is too slow is dropped: its stream ends, it may come back, \
and is told what it has missed.

- At the same time there are at most \`STREAM_MAX_READERS\`, and of readers that may see the same few tenants \
a quarter of that. One more gets a 503. So it does while as many dropped ones haven't closed their connections.
- Of 32 MiB for what is made and not taken each reader has its share by \`STREAM_MAX_READERS\`, 1 MiB at most; \
or one event that is larger. (What the system keeps for a connection comes on top, some MB at most.)
- One that has taken nothing for 30 s though there was something is dropped, and so is one for which the \
next result isn't kept any more, once it has taken what was made for it before.
- All readers together get a quarter of the engine's time at most, in turns of some 5 ms: those of more \
results than that allows fall behind, and readings don't wait.

When the tenants' file was read again every stream ends, because others may see it now; when the engine \
stops, streams get the last results within a second and end. \`EventSource\` comes back by itself after a \
second. A proxy in between must not hold events back: the answer has \`X-Accel-Buffering: no\` and \
\`Cache-Control: no-store, no-transform\`. Its timeout has to be above 15 s.`,
    query,
    answers: {
      200: { text: "Events, without an end.", media: EVENT_STREAM },
      400: { text: "A parameter is wrong or unknown." },
      503: { text: "There are too many readers.", headers: ["retry-after"] },
    },
    examples: [{
      name: "neither true nor false",
      query: { anomalies: "yes" },
      status: 400,
      answer: `{"status":"error","message":"anomalies: expected true or false, got \\"yes\\""}`,
    }],
  };
}
