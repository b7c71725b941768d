import assert from "node:assert/strict";
import fc from "fast-check";
import { toTenThousandths, writeInteger, writeNumber } from "../../src/core/number.ts";

const bytes = new Uint8Array(64);
const view = new DataView(bytes.buffer);
const AT = 3;

function textOf(end: number): string {
  return String.fromCharCode(...bytes.subarray(AT, end));
}

function assertWritten(x: number): void {
  const end = writeNumber(view, AT, x);
  const expected = JSON.stringify(x);
  if (end - AT !== expected.length) assert.equal(textOf(end), expected);
  for (let i = 0; i < expected.length; i++) {
    if (bytes[AT + i] !== expected.charCodeAt(i)) assert.equal(textOf(end), expected);
  }
}

/** mulberry32: the same numbers in every run. */
function seeded(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

Deno.test("writeNumber writes what JSON.stringify writes: the edges", () => {
  const edges = [0, -0, 1, 9, 10, 99, 100, 9999, 10000, 99999, 1e5, 1e6, 1e8, 999999999, 1e9, 1e15];
  edges.push(2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 53, 2 ** 53 - 1, 1e20, 1e21, 1.5e300, 5e-324);
  edges.push(Number.MAX_VALUE, Number.MIN_VALUE, Number.EPSILON, 0.1 + 0.2, 1 / 3, 2 / 3);
  edges.push(0.1, 0.01, 0.001, 1e-4, 1e-5, 1e-6, 1e-7, 9e-7, 1.5e-6, 9.9e-7, 0.000099, 0.100001);
  edges.push(999999999.999999, 999999999.9999, 1000000000.0001, 999999.9999995, 21.0001, 21.01);
  edges.push(
    214748.3647,
    214748.3648,
    2147.483647,
    2147.483648,
    0.000001,
    1.000001,
    12.3004,
    0.9999999,
  );
  for (const x of edges) {
    for (const sign of [1, -1]) {
      assertWritten(sign * x);
      assertWritten(sign * nextUp(x));
      if (x > 0) assertWritten(sign * -nextUp(-x));
    }
  }
});

Deno.test("writeNumber writes what JSON.stringify writes: three million numbers", () => {
  const random = seeded(1);
  const pattern = new DataView(new ArrayBuffer(8));
  for (let i = 0; i < 300_000; i++) {
    for (let places = 0; places <= 7; places++) {
      const digits = 10 ** Math.floor(random() * 12);
      assertWritten((Math.round(random() * digits) - Math.round(digits / 4)) / 10 ** places);
    }
    assertWritten((random() - 0.5) * 10 ** Math.floor(random() * 30 - 10));
    pattern.setUint32(0, random() * 2 ** 32);
    pattern.setUint32(4, random() * 2 ** 32);
    const any = pattern.getFloat64(0);
    if (Number.isFinite(any)) assertWritten(any);
  }
});

Deno.test("writeNumber writes what JSON.stringify writes: means of decimals", () => {
  const random = seeded(2);
  for (let i = 0; i < 300_000; i++) {
    const count = 1 + Math.floor(random() * 120);
    assertWritten(Math.round(random() * 1e8) / (count * 1e4));
    assertWritten(Math.round(random() * 1e8) / 100 / count);
  }
});

Deno.test("writeNumber: any double that fast-check thinks of", () => {
  fc.assert(
    fc.property(
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      (x) => assert.equal(textOf(writeNumber(view, AT, x)), JSON.stringify(x)),
    ),
    { numRuns: 20_000 },
  );
});

Deno.test("writeNumber doesn't touch what stands in front of it, and throws where there is no room", () => {
  bytes.fill(7);
  writeNumber(view, AT, -123456.654321);
  assert.deepEqual([...bytes.subarray(0, AT)], [7, 7, 7]);
  assert.throws(() => writeNumber(new DataView(new ArrayBuffer(4)), 0, 1 / 3), RangeError);
});

Deno.test("writeInteger writes what String writes, from 0 to 2^53", () => {
  for (let power = 0; power <= 53; power++) {
    for (const x of [2 ** power - 1, 2 ** power, 2 ** power + 1]) {
      if (x <= 2 ** 53) assert.equal(textOf(writeInteger(view, AT, x)), String(x));
    }
  }
  for (let power = 0; power <= 15; power++) {
    for (const x of [10 ** power - 1, 10 ** power, 10 ** power + 1]) {
      assert.equal(textOf(writeInteger(view, AT, x)), String(x));
    }
  }
  const random = seeded(3);
  for (let i = 0; i < 500_000; i++) {
    const x = Math.floor(random() * 2 ** (1 + Math.floor(random() * 53)));
    const text = textOf(writeInteger(view, AT, x));
    if (text !== String(x)) assert.equal(text, String(x));
  }
});

Deno.test("toTenThousandths finds exactly the decimals of at most four places below 2^31 of them", () => {
  const random = seeded(4);
  const check = (x: number) => {
    const q = toTenThousandths(x);
    const expected = tenThousandthsOfText(x);
    if (!Object.is(q, expected)) assert.equal(q, expected, `of ${x}`);
  };
  for (const x of [0, 1, -1, 0.0001, -0.0001, 0.00005, 0.00001, 214748.3647, 214748.3648, 1e16]) {
    for (const y of [x, -x, nextUp(x), -nextUp(x)]) if (!Object.is(y, -0)) check(y);
  }
  for (const x of [Number.MAX_VALUE, Number.MIN_VALUE, 2 ** 970, 0.1 + 0.2, 1 / 3]) check(x);
  for (let i = 0; i < 500_000; i++) {
    const x = Math.round((random() - 0.5) * 10 ** (1 + Math.floor(random() * 12))) /
      10 ** Math.floor(random() * 6);
    if (x === 0) continue;
    check(x);
    check(nextUp(x));
  }
});

/** The same by the shortest text, the slow way. */
function tenThousandthsOfText(x: number): number {
  const found = /^(-?)(\d+)(?:\.(\d{1,4}))?$/.exec(String(x));
  if (found === null) return NaN;
  const size = Number(found[2] + (found[3] ?? "").padEnd(4, "0"));
  return size < 2 ** 31 ? (found[1] === "-" ? -size : size) : NaN;
}

/** The next double above a finite one. */
function nextUp(x: number): number {
  if (x === 0) return Number.MIN_VALUE;
  const pattern = new BigInt64Array(1);
  const double = new Float64Array(pattern.buffer);
  double[0] = x;
  pattern[0] += x > 0 ? 1n : -1n;
  return Number.isFinite(double[0]) ? double[0] : x;
}
