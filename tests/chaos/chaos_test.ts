/** Every kind of fault once, in an order and with moments by the seed: CHAOS_SEED repeats a run. */
import assert from "node:assert/strict";
import { describeReport } from "./report.ts";
import { runChaos } from "./run.ts";

Deno.test("every fault once, and every reading is accounted for", async () => {
  const seed = Number(Deno.env.get("CHAOS_SEED") ?? Math.floor(Math.random() * 2 ** 32));
  console.log(`CHAOS_SEED=${seed}`);
  const report = await runChaos({ seed, minutes: 0, print: (line) => console.log(line) });
  console.log(describeReport(report));
  assert.deepEqual(report.faults, []);
  assert.ok(report.sums.results > 10_000, `${report.sums.results} results`);
});
