import assert from "node:assert/strict";
import fc from "fast-check";
import { arrayRanges, lineRanges, MAX_BATCH_READINGS } from "../../src/http/batch_body.ts";

const encoder = new TextEncoder();

function cut(text: string, ranges: number[] | null): string[] | null {
  const bytes = encoder.encode(text);
  if (ranges === null) return null;
  const parts: string[] = [];
  for (let i = 0; i < ranges.length; i += 2) {
    parts.push(new TextDecoder().decode(bytes.subarray(ranges[i], ranges[i + 1])));
  }
  return parts;
}

const elements = (text: string) => cut(text, arrayRanges(encoder.encode(text)));
const lines = (text: string) => cut(text, lineRanges(encoder.encode(text)));

/** White space wherever JSON allows it. */
function spaced(value: unknown, space: () => string): string {
  const around = (text: string) => space() + text + space();
  if (Array.isArray(value)) {
    return around(`[${value.map((it) => spaced(it, space)).join(",") || space()}]`);
  }
  if (typeof value !== "object" || value === null) return around(JSON.stringify(value));
  const members = Object.entries(value).map(([name, it]) =>
    `${around(JSON.stringify(name))}:${spaced(it, space)}`
  );
  return around(`{${members.join(",") || space()}}`);
}

const anyArray = fc.array(fc.jsonValue({ maxDepth: 4 }) as fc.Arbitrary<unknown>, { maxLength: 8 });
const spaces = fc.infiniteStream(fc.constantFrom("", "", " ", "\n", "\t\r\n"));

Deno.test("the elements of any JSON array are found, as JSON.parse has them", () => {
  fc.assert(fc.property(anyArray, spaces, (array, spaces) => {
    const text = spaced(array, () => spaces.next().value);
    const found = elements(text);
    assert.ok(found !== null, text);
    assert.deepEqual(found.map((it) => JSON.parse(it)), JSON.parse(text));
    for (const element of found) assert.equal(element, element.trim());
  }));
});

Deno.test("what isn't taken apart is no JSON array", () => {
  const pieces = fc.constantFrom(
    ...["[", "]", "{", "}", ",", '"', "\\", ":", "1", "x", " ", "\n", "null", '"a"', "[1]", "{}"],
  );
  let none = 0;
  const property = fc.property(fc.array(pieces, { maxLength: 12 }), (pieces) => {
    const text = pieces.join("");
    if (elements(text) !== null) return;
    none++;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      return;
    }
    assert.ok(!Array.isArray(value), text);
  });
  fc.assert(property, { numRuns: 20_000 });
  assert.ok(none > 1000, `${none}: a test of nothing otherwise`);
});

Deno.test("arrays that are broken as a whole", () => {
  const broken = [
    "",
    " ",
    "{}",
    "[",
    "[1",
    "[1,",
    '["',
    '["]',
    '["\\"]',
    "[1]]",
    "[1] x",
    "[1][2]",
  ];
  for (
    const text of [...broken, "[,]", "[1,]", "[,1]", "[1,,2]", "[1 ,\n]", "[1}", "[{]}", "x[1]"]
  ) {
    assert.equal(elements(text), null, text);
  }
});

Deno.test("elements that are broken by themselves stay among the others", () => {
  assert.deepEqual(elements('[1 2,x,"a" "b",{"a":}]'), ["1 2", "x", '"a" "b"', '{"a":}']);
  assert.deepEqual(elements("[]"), []);
  assert.deepEqual(elements(" [ \n] "), []);
  assert.deepEqual(elements('["\\\\","\\"],["]'), ['"\\\\"', '"\\"],["']);
});

Deno.test("lines: blank ones don't count, whatever ends them", () => {
  assert.deepEqual(lines('{"a":1}\n\n  \r\n{"b":2}\r\n\t{"c":3}'), [
    '{"a":1}',
    '{"b":2}',
    '{"c":3}',
  ]);
  assert.deepEqual(lines("\n \n"), []);
  assert.deepEqual(lines(""), []);
  assert.deepEqual(lines("\u00a0"), ["\u00a0"], "white space as JSON has it");
});

Deno.test("so many readings, and one more is refused", () => {
  const most = Array.from({ length: MAX_BATCH_READINGS }, () => "1");
  assert.equal(elements(`[${most}]`)?.length, MAX_BATCH_READINGS);
  assert.equal(lines(most.join("\n"))?.length, MAX_BATCH_READINGS);
  const message = `body: expected at most ${MAX_BATCH_READINGS} readings, got more`;
  assert.throws(() => elements(`[${most},1]`), { status: 413, message });
  assert.throws(() => lines(`${most.join("\n")}\n1`), { status: 413, message });
});
