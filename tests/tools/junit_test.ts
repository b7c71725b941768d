import assert from "node:assert/strict";
import { countTests, summaryLine } from "../../tools/junit.ts";

const SUITE = (file: string, cases: string) => `<testsuite name="./${file}">${cases}</testsuite>`;
const PASSED = `<testcase name="a" time="0.1">\n</testcase><testcase name="b"/>`;
const FAILED = `<testcase name="c"><failure message="x">failed &lt;skipped</failure></testcase>`;
const SKIPPED = `<testcase name="d">\n  <skipped/></testcase>`;
const RUN = { exitCode: 0, files: ["tests/a_test.ts"], filtered: false };

Deno.test("outcomes are counted", () => {
  const junit = SUITE("tests/a_test.ts", PASSED + FAILED + SKIPPED);
  const counts = countTests({ ...RUN, junit, exitCode: 1 });
  assert.deepEqual(counts, { passed: 2, failed: 1, skipped: 1 });
  assert.equal(summaryLine(counts), "2 passed, 1 failed, 1 skipped");
  assert.equal(summaryLine({ ...counts, skipped: 0 }), "2 passed, 1 failed");
});

Deno.test("a file that didn't load is a failure, beside others too", () => {
  const files = ["tests/a_test.ts", "tests/b_test.ts"];
  const run = { ...RUN, files, exitCode: 1 };
  assert.equal(countTests({ ...run, junit: SUITE("tests/a_test.ts", PASSED) }).failed, 1);
  assert.equal(countTests({ ...run, junit: SUITE("tests/a_test.ts", FAILED) }).failed, 2);
  assert.equal(countTests({ ...run, junit: "" }).failed, 1);
});

Deno.test("a run that failed without a failed test has one failure", () => {
  const junit = SUITE("tests/a_test.ts", PASSED);
  assert.equal(countTests({ ...RUN, junit, exitCode: 1 }).failed, 1);
  assert.equal(countTests({ ...RUN, junit }).failed, 0);
});

Deno.test("a run of no tests has failed", () => {
  assert.equal(countTests({ ...RUN, junit: "<testsuites></testsuites>" }).failed, 1);
  const skipped = SUITE("tests/a_test.ts", SKIPPED);
  assert.deepEqual(countTests({ ...RUN, junit: skipped }), { passed: 0, failed: 1, skipped: 1 });
  const filtered = { ...RUN, filtered: true, junit: SUITE("tests/b_test.ts", PASSED) };
  assert.equal(countTests(filtered).failed, 0);
});
