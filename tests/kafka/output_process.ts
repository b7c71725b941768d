/**
 * A process of its own for tests that kill it: drains numbered rows into a topic. What a journal would
 * have stored stands in `state.json` in DATA_DIR: identities at once, cursors only now and then.
 */
import { clientInUse } from "./client_in_use.ts";
import { MemoryFeed, newLane } from "./memory_feed.ts";
import { numbered } from "./output_rows.ts";
import { memoryLog } from "./memory_log.ts";

const [bootstrap, topic, rowsText, firstText = "0"] = Deno.args;
const LANES = 2;
const EACH = 5;
const ROWS = Number(rowsText);
/** The lanes' sequences begin here. */
const FIRST = Number(firstText);
const CURSOR_EVERY = 40;
const file = `${Deno.env.get("DATA_DIR")}/state.json`;

const feed = new MemoryFeed(load());
for (let lane = 0; lane < LANES; lane++) {
  const from = feed.lanes()[lane].acknowledged - FIRST;
  for (let n = from; n < ROWS * EACH; n += EACH) {
    feed.add(lane, { records: Array.from({ length: EACH }, (_, i) => numbered(lane, n + i)) });
  }
}
feed.durable = save;
const counts: Record<string, number> = {};
const sink = clientInUse().createOutput({
  brokers: [bootstrap],
  clientId: "plumbline-test",
  topic,
  feed,
  log: memoryLog([]),
  now: Date.now,
  random: Math.random,
  observe: (event, count) => {
    counts[event] = (counts[event] ?? 0) + count;
    // Said at once: a process that is killed can't say it later.
    if (event === "unsure") console.log(`unsure ${count}`);
  },
});
sink.start();
let said = 0;
await feed.until(() => {
  if (feed.acknowledgements.length >= said + CURSOR_EVERY) {
    said = feed.acknowledgements.length;
    save();
    console.log(`acknowledged ${feed.acknowledged - LANES * FIRST}`);
  }
  return feed.acknowledged === LANES * (FIRST + ROWS * EACH);
});
await sink.close(5_000);
save();
console.log(`drained ${JSON.stringify(counts)}`);

function load() {
  try {
    const text = Deno.readTextFileSync(file);
    return JSON.parse(
      text,
      (key, value) => key === "producerId" ? BigInt(value) : value,
    );
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      return Array.from({ length: LANES }, (_, lane) => newLane(lane, FIRST));
    }
    throw error;
  }
}

/** Whole or not at all: the test kills at any moment. */
function save(): void {
  const lanes = feed.lanes().map((lane) => ({
    ...lane,
    end: lane.acknowledged,
    producerId: String(lane.producerId),
  }));
  Deno.writeTextFileSync(`${file}.new`, JSON.stringify(lanes));
  Deno.renameSync(`${file}.new`, file);
}
