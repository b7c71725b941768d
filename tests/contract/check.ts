/** Compares what became of a case with what `expected.ts` says. */
import assert from "node:assert/strict";
import type { Message } from "./cases.ts";
import { EXPECTED, type Expected, type ExpectedFields } from "./expected.ts";

export type Result = Record<string, unknown>;

/** What came of a message: a result, the reason of its dead letter, or nothing (sampled out). */
export type Outcome = { result: Result } | { reason: string } | undefined;

/** The fields that a case expects; those that depend on other cases and on the clock are left out. */
function ownFields(result: Result, expected: ExpectedFields): Result {
  const { processed_at: _, temperature_stats: _t, humidity_stats: _h, id: _id, ...own } = result;
  if (expected.timestamp === undefined) delete own.timestamp;
  return own;
}

/** `legacy`: under the legacy engines' tenants. `expected`: where the case's own expectation isn't meant. */
export function checkOutcome(
  message: Message,
  against: { outcome: Outcome; legacy: boolean; expected?: Expected },
): void {
  const { outcome, expected = EXPECTED[message.case] } = against;
  const at = `${message.case}, message ${message.message}: ${JSON.stringify(outcome)}`;
  if ("rejected" in expected) {
    assert.ok(outcome !== undefined && "reason" in outcome, at);
    const { rejected } = expected;
    const says = typeof rejected === "string"
      ? outcome.reason.startsWith(rejected)
      : rejected.test(outcome.reason);
    assert.ok(says, `${at}, expected ${rejected}`);
    return;
  }
  const legacy = against.legacy ? expected.legacy ?? {} : {};
  if (outcome === undefined && legacy.sampled) return;
  assert.ok(outcome !== undefined && "result" in outcome, at);
  const fields = "results" in expected ? expected.results(message.message) : expected.result;
  const is_anomaly = fields.is_anomaly && (legacy.is_anomaly ?? true);
  const wanted = JSON.parse(JSON.stringify({ ...fields, is_anomaly }));
  assert.deepEqual(ownFields(outcome.result, fields), wanted, at);
}
