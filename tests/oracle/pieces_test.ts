import assert from "node:assert/strict";
import fc from "fast-check";
import { isClose, parseDecimal, ratio } from "./decimal.ts";
import { murmur2, partitionOf } from "./murmur2.ts";
import { isRefusal, judgeReading } from "./reading.ts";
import { Series } from "./series.ts";
import { parseTimestamp } from "./timestamp.ts";

const encoder = new TextEncoder();

Deno.test("murmur2 gives what Kafka's own test has", () => {
  // org.apache.kafka.common.utils.UtilsTest.testMurmur2
  const known: [string, number][] = [
    ["21", -973932308],
    ["foobar", -790332482],
    ["a-little-bit-long-string", -985981536],
    ["a-little-bit-longer-string", -1486304829],
    ["lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971],
    ["abc", 479470107],
  ];
  for (const [key, hash] of known) assert.equal(murmur2(encoder.encode(key)), hash, key);
  assert.equal(partitionOf(encoder.encode("21"), 4), (-973932308 & 0x7fffffff) % 4);
});

Deno.test("decimals are exact and their ratios the nearest doubles", () => {
  assert.deepEqual(parseDecimal("-12.50"), { digits: -1250n, scale: 2 });
  assert.deepEqual(parseDecimal("1e3"), { digits: 1000n, scale: 0 });
  assert.deepEqual(parseDecimal("1e-999999999"), { digits: 0n, scale: 0 });
  assert.throws(() => parseDecimal("1,5"), TypeError);
  assert.equal(ratio(2n * 10n ** 308n, 1n), Number.MAX_VALUE);
  fc.assert(fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
    const { digits, scale } = parseDecimal(String(value));
    const got = ratio(digits, 10n ** BigInt(scale));
    assert.ok(isClose(got, value, { magnitude: Math.abs(value) }), `${got} for ${value}`);
  }));
});

Deno.test("a mean that is off by more than rounding isn't close enough", () => {
  assert.ok(isClose(0.1 + 0.2, 0.3, { magnitude: 0.3 }));
  assert.ok(!isClose(0.3 + 1e-15, 0.3, { magnitude: 0.3 }));
});

Deno.test("a series has the sum of all and the window of the last", () => {
  const series = new Series(3);
  for (const text of ["0.1", "0.2", "1e1", "-0.30", "5"]) series.add({ text });
  assert.deepEqual(series.window, [10, -0.3, 5]);
  assert.deepEqual([series.count, series.min, series.max], [5, -0.3, 10]);
  assert.equal(series.total().sum, 15);
  const { avg, min, max } = series.statistics() ?? {};
  assert.deepEqual([avg, min, max], [4.9, -0.3, 10]);
  assert.equal(new Series(3).statistics(), undefined);
});

Deno.test("a series sums exactly where doubles don't", () => {
  const series = new Series(100);
  for (const text of ["1e16", "0.1", "-1e16"]) series.add({ text });
  assert.equal(series.total().sum, 0.1);
  const big = new Series(100);
  for (const text of ["1e308", "1e308"]) big.add({ text });
  assert.equal(big.total().sum, Number.MAX_VALUE);
  assert.equal(big.statistics()?.avg, 1e308);
});

Deno.test("timestamps are RFC 3339 in upper case, with or without a zone", () => {
  const instant = (text: string) => parseTimestamp(text)?.instant;
  assert.equal(instant("1970-01-01T00:00:01Z"), 1_000_000_000n);
  assert.equal(instant("1970-01-01T02:00:00.000000001+02:00"), 1n);
  assert.equal(instant("1969-12-31T23:59:59-00:01"), 59_000_000_000n);
  assert.equal(parseTimestamp("2026-01-01T00:00:00.5")?.text, "2026-01-01T00:00:00.5Z");
  assert.equal(instant("0001-01-01T00:00:00Z"), -62135596800000000000n);
  assert.notEqual(instant("2024-02-29T00:00:00Z"), undefined);
  const refused = [
    "2026-02-29T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-01-01T24:00:00Z",
    "2026-01-01T00:00:60Z",
    "2026-01-01T00:00:00.0000000001Z",
    "2026-01-01T00:00:00.Z",
    "2026-01-01t00:00:00Z",
    "2026-01-01T00:00:00z",
    "2026-01-01 00:00:00Z",
    "2026-01-01T00:00:00+0200",
    "2026-01-01T00:00:00+24:00",
    "10000-01-01T00:00:00Z",
    "2026-01-01",
    "",
  ];
  for (const text of refused) assert.equal(parseTimestamp(text), undefined, text);
});

Deno.test("readings are judged by section 1 of the contract", () => {
  const field = (text: string) => {
    const judged = judgeReading(encoder.encode(text), { maxReadingBytes: 2000 });
    return isRefusal(judged) ? judged.field || judged.why : "";
  };
  const accepted = [
    '{"device_id":"a"}',
    ' {"device_id":"a","tenant_id":"","temperature":null,"metrics":{"a.b-c":1e-7}}\n',
    '{"device_id":"\\ud83d\\ude00","temperature":1,"temperature":2}',
    `{"device_id":"${"😀".repeat(256)}"}`,
    '{"device_id":"a","__proto__":1,"metrics":{"__proto__":1}}',
  ];
  for (const text of accepted) assert.equal(field(text), "", text);
  const names = (count: number) =>
    JSON.stringify(Object.fromEntries(Array.from({ length: count }, (_, i) => [`m${i}`, i])));
  const refused: [string, string][] = [
    ['{"device_id":"\\ud83d"}', "device_id"],
    ['{"device_id":"a\\u0085"}', "device_id"],
    [`{"device_id":"${"a".repeat(257)}"}`, "device_id"],
    ['{"device_id":" \\t"}', "device_id"],
    ['{"device_id":1}', "device_id"],
    ['{"device_id":"a","tenant_id":false}', "tenant_id"],
    ['{"device_id":"a","temperature":1e999}', "temperature"],
    ['{"device_id":"a","humidity":[1]}', "humidity"],
    ['{"device_id":"a","metrics":{"1a":1}}', "metrics"],
    ['{"device_id":"a","metrics":{"humidity":1}}', "metrics"],
    ['{"device_id":"a","metrics":{"a":null}}', "metrics"],
    ['{"device_id":"a","metrics":[]}', "metrics"],
    [`{"device_id":"a","metrics":${names(33)}}`, "metrics"],
    ['{"device_id":"a","timestamp":1}', "timestamp"],
    ["[]", "not an object"],
    ["null", "not an object"],
    ["5", "not an object"],
    ["", "not JSON"],
    ['\ufeff{"device_id":"a"}', "not JSON"],
    ['{"device_id":"a"} x', "not JSON"],
    [" ".repeat(2001), "2001 bytes"],
  ];
  for (const [text, expected] of refused) assert.equal(field(text), expected, text.slice(0, 50));
  assert.equal(field(`{"device_id":"a","metrics":${names(32)}}`), "");
  const judged = judgeReading(new Uint8Array([0x22, 0xff, 0x22]), { maxReadingBytes: 9 });
  assert.ok(isRefusal(judged) && judged.why === "not UTF-8");
});
