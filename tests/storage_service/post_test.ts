import assert from "node:assert/strict";
import { retryAfter, verdictOn } from "../../src/storage_service/post.ts";

const NOW = Date.UTC(1994, 10, 6, 8, 49, 7);

Deno.test("Retry-After: seconds or a date, an hour at most; what can't be read says nothing", () => {
  const cases: [string | null, number][] = [
    [null, 0],
    ["0", 0],
    ["120", 120_000],
    ["99999999999", 3_600_000],
    ["Sun, 06 Nov 1994 08:49:37 GMT", 30_000],
    ["Sun, 06 Nov 1994 08:49:00 GMT", 0],
    ["Mon, 07 Nov 1994 08:49:37 GMT", 3_600_000],
    ["soon", 0],
    ["", 0],
    ["-5", 0],
  ];
  for (const [header, ms] of cases) assert.equal(retryAfter(header, NOW), ms, String(header));
});

Deno.test("what each status means for the result", () => {
  const verdicts = new Map<string, (number | undefined)[]>([
    ["later", [undefined, 301, 307, 401, 403, 407, 408, 425, 429, 500, 502, 503, 504]],
    ["not found", [404, 405, 410]],
    ["refused", [400, 402, 409, 411, 413, 415, 422, 451]],
  ]);
  for (const [verdict, statuses] of verdicts) {
    for (const status of statuses) assert.equal(verdictOn(status), verdict, String(status));
  }
});
