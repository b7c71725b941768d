/** What OpenAPI says of the engine's health. */
import { z } from "../../deps.ts";
import { CHECKS } from "../pipeline/ports.ts";
import { type Description, timeSchema } from "./description.ts";

const okSchema = z.object({ status: z.literal("ok") });

const failedSchema = z.object({
  status: z.literal("error"),
  message: z.string(),
  failed: z.partialRecord(z.enum(CHECKS), z.string()).describe("The checks that fail, and why."),
}).meta({ id: "FailedChecks" });

export const healthAbout: Description = {
  id: "getHealth",
  topic: "Health",
  summary: "Whether the process is alive",
  text: "Alive is whatever answers: the status is 200, whatever else is wrong.",
  answers: {
    200: {
      text: "It is alive.",
      schema: z.object({
        status: z.literal("ok"),
        service: z.literal("plumbline"),
        running: z.boolean(),
        kafka: z.enum(["connected", "connecting", "error", "disabled"])
          .describe("The worse of input and output."),
        timestamp: timeSchema,
      }),
    },
  },
  examples: [{
    name: "without Kafka",
    status: 200,
    answer: `{"status":"ok","service":"plumbline","running":true,"kafka":"disabled",
 "timestamp":"2026-11-25T07:31:27.592Z"}`,
  }],
};

export const readyAbout: Description = {
  id: "getReadiness",
  topic: "Health",
  summary: "Whether the engine can do all that it is there for",
  text: `The checks, and what each fails for:

- \`kafka\`: the group wasn't joined yet, or the input topic can't be read.
- \`store\`: the store can't be written.
- \`output\`: the output topic wasn't found yet, or doesn't take results; its backlog is over a limit, or \
results were dropped for it within the last minute.
- \`storage\`: the storage service doesn't take results; its backlog as above.
- \`progress\`: records have waited in Kafka for 30 s and no batch came, a full backlog makes reading \
pause, or the engine stops.

What is switched off doesn't fail. An engine in a group with more members than partitions has none and is \
ready. One that has nothing to commit finds out every five minutes whether it could. An engine that isn't \
ready still takes what it can: readings over HTTP without Kafka, readings from Kafka while the storage \
service is away.`,
  answers: {
    200: { text: "It can.", schema: okSchema },
    503: { text: "It can't: the checks that fail.", schema: failedSchema },
  },
  examples: [{ name: "ready", status: 200, answer: `{"status":"ok"}` }, {
    name: "not ready",
    when: "the storage service takes nothing",
    status: 503,
    answer: `{"status":"error",
 "message":"storage: the storage service doesn't take results; the log says why",
 "failed":{"storage":"the storage service doesn't take results; the log says why"}}`,
  }],
};

export const liveAbout: Description = {
  id: "getLiveness",
  topic: "Health",
  summary: "Whether a new start could help",
  text:
    "Is 503 only where a new start is what may help: records have waited for ten minutes while Kafka, " +
    "store and backlog are well (`progress`), or the store has refused every write for ten minutes " +
    "(`store`). An engine whose one thread is stuck answers nothing at all: give the probe a timeout. Use " +
    "it to have the process started anew, and `/health/ready` to know whether to send to it.",
  answers: {
    200: { text: "It couldn't.", schema: okSchema },
    503: { text: "It could: the checks that fail.", schema: failedSchema },
  },
};
