/**
 * Reads until it is killed: a program of its own for `source_freeze_test.ts`. What it has fetched beyond
 * the first ten records stays in its hands until it has been frozen; it is asked for again at once when
 * the process wakes. Prints the offset of each record that it has committed, and its log.
 */
import { Reader } from "./reader.ts";

const [topic, group, dir] = Deno.args;
const TICK_MS = 20;
const FROZEN_MS = 5_000;
let first = true;

function untilFrozen(): Promise<void> {
  return new Promise((resolve) => {
    let last = performance.now();
    const timer = setInterval(() => {
      const now = performance.now();
      const slept = now - last;
      last = now;
      if (slept < FROZEN_MS) return;
      clearInterval(timer);
      resolve();
    }, TICK_MS);
  });
}

let told = 0;
const reader = new Reader({
  topic,
  group,
  dir,
  beforeCommit: async ([{ end }]) => {
    if (end <= 10 || !first) return;
    first = false;
    // Before the test is told: it freezes the process at once.
    const frozen = untilFrozen();
    console.log("in hand");
    await frozen;
  },
});
void reader.until("the end", () => {
  for (; told < reader.log.length; told++) console.log(reader.log[told].message);
  return false;
}, 600_000);
for (let read = 0;; read++) {
  await reader.untilRead(read + 1, 120_000);
  console.log(`committed ${reader.records[read].offset}`);
}
