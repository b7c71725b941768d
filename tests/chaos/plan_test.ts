import assert from "node:assert/strict";
import { seededRandom } from "../harness/random.ts";
import { describeStep, FAULT_KINDS, makePlan } from "./plan.ts";

const seconds = (plan: ReturnType<typeof makePlan>) =>
  plan.flatMap((step) => step.map((fault) => fault.seconds)).reduce((sum, one) => sum + one, 0);

Deno.test("the same seed gives the same plan, another one another", () => {
  const plans = [1, 1, 2].map((seed) => makePlan(seededRandom(seed), 3600));
  assert.deepEqual(plans[0], plans[1]);
  assert.notDeepEqual(plans[0].map(describeStep), plans[2].map(describeStep));
});

Deno.test("every kind of fault is in the shortest plan, and a long one has as much as was asked for", () => {
  for (let seed = 0; seed < 50; seed++) {
    const plan = makePlan(seededRandom(seed), 0);
    const kinds = new Set(plan.flat().map(({ kind }) => kind));
    assert.deepEqual([...kinds].sort(), [...FAULT_KINDS].sort());
    assert.ok(seconds(plan) < 180, `${seconds(plan)} s`);
    const long = makePlan(seededRandom(seed), 3600);
    assert.ok(seconds(long) + long.length * 3 >= 3600, `${seconds(long)} s, ${long.length} steps`);
  }
});
