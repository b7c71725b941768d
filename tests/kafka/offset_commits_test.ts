import assert from "node:assert/strict";
import { OffsetCommits } from "../../src/kafka/offset_commits.ts";
import type { Log } from "../../src/pipeline/ports.ts";

/** Commits whose answers the test gives, one after the other. */
function recorder() {
  const sent: Record<number, number>[] = [];
  const answers: { resolve(): void; reject(error: Error): void }[] = [];
  const warnings: string[] = [];
  const recoveries: string[] = [];
  let arrived = Promise.withResolvers<void>();
  const log: Log = {
    debug() {},
    info: (message) => void recoveries.push(message),
    warn: (message) => void warnings.push(message),
    error() {},
  };
  const commits = new OffsetCommits({
    log,
    send: (ends) => {
      sent.push(Object.fromEntries(ends));
      const answer = Promise.withResolvers<void>();
      answers.push(answer);
      arrived.resolve();
      arrived = Promise.withResolvers();
      return answer.promise;
    },
  });
  const untilSent = async (count: number) => {
    while (sent.length < count) await arrived.promise;
  };
  return { commits, sent, answers, warnings, recoveries, untilSent };
}

Deno.test("the newest end of each partition is sent, one request at a time", async () => {
  const { commits, sent, answers, untilSent } = recorder();
  commits.add(0, 10);
  commits.add(1, 5);
  commits.add(0, 20);
  commits.add(0, 15);
  await untilSent(1);
  assert.deepEqual(sent, [{ 0: 20, 1: 5 }]);
  commits.add(0, 30);
  const settled = commits.settle();
  await Promise.resolve();
  assert.equal(sent.length, 1, "the first answer is still out");
  answers[0].resolve();
  await untilSent(2);
  assert.deepEqual(sent[1], { 0: 30 });
  answers[1].resolve();
  await settled;
});

Deno.test("what failed is sent again with what came since; told once, and when it works", async () => {
  const { commits, sent, answers, warnings, recoveries, untilSent } = recorder();
  commits.add(0, 10);
  commits.add(1, 10);
  await untilSent(1);
  commits.add(0, 20);
  answers[0].reject(new Error("no coordinator"));
  await untilSent(2);
  assert.deepEqual(sent[1], { 0: 20, 1: 10 });
  answers[1].reject(new Error("no coordinator"));
  await untilSent(3);
  assert.deepEqual(sent[2], { 0: 20, 1: 10 });
  answers[2].reject(new Error("no coordinator"));
  await untilSent(4);
  answers[3].resolve();
  await commits.settle();
  assert.deepEqual([warnings.length, recoveries.length], [1, 1]);
});

Deno.test("one commit that fails alone isn't told: partitions that change hands do that", async () => {
  const { commits, answers, warnings, recoveries, untilSent } = recorder();
  commits.add(0, 10);
  await untilSent(1);
  answers[0].reject(new Error("rebalance in progress"));
  await untilSent(2);
  answers[1].resolve();
  await commits.settle();
  assert.deepEqual([warnings, recoveries], [[], []]);
});

Deno.test("handing over sends at once, beside a request that is out, and forgets", async () => {
  const { commits, sent, answers } = recorder();
  commits.add(0, 10);
  commits.handOver();
  assert.deepEqual(sent, [{ 0: 10 }]);
  commits.add(1, 3);
  commits.handOver();
  assert.deepEqual(sent, [{ 0: 10 }, { 1: 3 }]);
  answers[0].reject(new Error("the group has moved on"));
  answers[1].reject(new Error("the group has moved on"));
  await commits.settle();
  assert.equal(sent.length, 2, "nothing of the old generation is tried again");
});

Deno.test("settling doesn't wait for ever where commits fail", async () => {
  const { commits, answers, untilSent } = recorder();
  commits.add(0, 10);
  const settled = commits.settle();
  await untilSent(1);
  answers[0].reject(new Error("no coordinator"));
  await settled;
});
