import assert from "node:assert/strict";
import fc from "fast-check";
import { parseReading, Reading } from "../../src/core/reading.ts";
import { contractCases, inRegister, plainReading } from "./reading_twin.ts";

const encoder = new TextEncoder();
const reading = new Reading();

function parse(value: string | Uint8Array): string | null {
  const bytes = typeof value === "string" ? encoder.encode(value) : value;
  return parseReading(reading, bytes, 0, bytes.length);
}

/** A reading with a device and these further fields. */
function parseWith(fields: string): string | null {
  return parse(`{"device_id":"d",${fields}}`);
}

Deno.test("a reading's fields", () => {
  assert.equal(
    parse(
      '{"device_id":"dev-1","temperature":21.5,"humidity":45.25,"timestamp":"2026-01-01T02:00:00.5+02:00","tenant_id":"acme","metrics":{"co2":412}}',
    ),
    null,
  );
  assert.deepStrictEqual(inRegister(reading), {
    device: "dev-1",
    tenant: "acme",
    temperature: 21.5,
    humidity: 45.25,
    timestamp: "2026-01-01T02:00:00.5+02:00",
    naive: false,
    time: 1767225600500,
    metrics: [["co2", 412]],
  });
});

Deno.test("the careful path reads what the scanner leaves", () => {
  assert.equal(
    parse(
      '{"device_id":"d\\u00e9\u{1f600}","tenant_id":"ü","temperature":1,"temperature":-0,"humidity":null,"timestamp":"2026-01-01T00:00:00","metrics":{"__proto__":-0,"constructor":2},"meta":{"a":[1]}}',
    ),
    null,
  );
  assert.deepStrictEqual(inRegister(reading), {
    device: "dé\u{1f600}",
    tenant: "ü",
    temperature: 0,
    humidity: NaN,
    timestamp: "2026-01-01T00:00:00",
    naive: true,
    time: 1767225600000,
    metrics: [["__proto__", 0], ["constructor", 2]],
  });
});

Deno.test("the longest reading fits into the register", () => {
  const device = "\u{1f600}".repeat(256);
  const tenant = "\u{10ffff}".repeat(256);
  const names = Array.from({ length: 32 }, (_, i) => `${i + 10}`.padStart(64, "m"));
  const value = {
    device_id: device,
    tenant_id: tenant,
    timestamp: "2026-01-01T00:00:00.123456789+02:00",
    metrics: Object.fromEntries(names.map((name, i) => [name, i])),
  };
  assert.equal(parse(JSON.stringify(value)), null);
  const seen = inRegister(reading);
  assert.equal(seen.device, device);
  assert.equal(seen.tenant, tenant);
  assert.equal(seen.timestamp, value.timestamp);
  assert.deepStrictEqual(seen.metrics, names.map((name, i) => [name, i]));
});

Deno.test("what every object inherits is no field", () => {
  assert.equal(parse('{"__proto__":{"device_id":"d","temperature":1}}'), "device_id: required");
  assert.equal(parseWith('"__proto__":{"temperature":5,"tenant_id":7},"x":[]'), null);
  assert.equal(inRegister(reading).temperature, NaN);
  assert.equal(inRegister(reading).tenant, "default");
});

Deno.test("a value that is no JSON object is refused with the reason", () => {
  const reasons: [string, string][] = [
    ["", "not JSON: the value is empty"],
    ["null", "expected an object, got null"],
    ["[{}]", "expected an object, got an array"],
    ['"hello"', 'expected an object, got the string "hello"'],
    ["5", "expected an object, got the number 5"],
    ["true", "expected an object, got true"],
    ["{}", "device_id: required"],
  ];
  for (const [value, reason] of reasons) assert.equal(parse(value), reason, value);
  const notJson = [
    "hello world",
    " ",
    '{"device_id":"d"} x',
    '{"device_id":"d"}{"device_id":"d"}',
    '{"device_id":"d","temperature":NaN}',
    '{"device_id":"d","temperature":21',
    '\ufeff{"device_id":"d"}',
    '{"device_id":"d","x":"a\nb"}',
  ];
  for (const value of notJson) assert.match(parse(value) ?? "valid", /^not JSON: \P{Cc}+$/u, value);
  assert.match(parse('{"device_id":"d"} x')!, /position 18/);
});

Deno.test("bytes that are no UTF-8 are refused with their position", () => {
  const bytes = encoder.encode('{"device_id":"é__"}');
  bytes.set([0xed, 0xa0], 16);
  assert.equal(parse(bytes), "not UTF-8: no character begins with 0xed 0xa0 at position 16");
  assert.equal(
    parse(Uint8Array.of(0x7b, 0xc3)),
    "not UTF-8: the text ends within the character 0xc3 at position 1",
  );
  const reason = (...wrong: number[]) => parse(Uint8Array.of(0x22, ...wrong, 0x22))?.split(": ")[1];
  assert.equal(reason(0xc3), "no character begins with 0xc3 0x22 at position 1");
  assert.equal(reason(0xff), "no character begins with 0xff at position 1");
  assert.equal(reason(0x80), "no character begins with 0x80 at position 1");
  assert.equal(reason(0xe0, 0x80, 0x80), "no character begins with 0xe0 0x80 at position 1");
  assert.equal(
    reason(0xf0, 0x9f, 0x98),
    "no character begins with 0xf0 0x9f 0x98 0x22 at position 1",
  );
  assert.equal(reason(0xf4, 0x90), "no character begins with 0xf4 0x90 at position 1");
});

Deno.test("a wrong field is refused with its name, what was expected, and what came", () => {
  const reasons: [string, string][] = [
    ['{"temperature":1}', "device_id: required"],
    ['{"device_id":null}', "device_id: expected a string, got null"],
    ['{"device_id":42}', "device_id: expected a string, got the number 42"],
    ['{"device_id":{"id":"x"}}', "device_id: expected a string, got an object"],
    ['{"device_id":""}', "device_id: expected 1 to 256 characters, got 0"],
    [`{"device_id":"${"é".repeat(257)}"}`, "device_id: expected 1 to 256 characters, got 257"],
    [
      '{"device_id":" \u3000"}',
      'device_id: expected more than white space, got the string " \u3000"',
    ],
    [
      '{"device_id":"a\\u0085"}',
      'device_id: expected no control characters, got the string "a\\u0085"',
    ],
    [
      '{"device_id":"a\\ud800"}',
      'device_id: expected no unpaired surrogates, got the string "a\\ud800"',
    ],
  ];
  for (const [value, reason] of reasons) assert.equal(parse(value), reason, value);
  const fields: [string, string][] = [
    ['"tenant_id":7', "tenant_id: expected a string, got the number 7"],
    ['"tenant_id":false', "tenant_id: expected a string, got false"],
    ['"tenant_id":0', "tenant_id: expected a string, got the number 0"],
    ['"tenant_id":" "', 'tenant_id: expected more than white space, got the string " "'],
    ['"temperature":"21.5"', 'temperature: expected a number, got the string "21.5"'],
    ['"temperature":true', "temperature: expected a number, got true"],
    ['"humidity":[45]', "humidity: expected a number, got an array"],
    [
      '"humidity":-1e999',
      "humidity: expected a finite number, got a number beyond the largest double",
    ],
    ['"metrics":[]', "metrics: expected an object, got an array"],
    ['"metrics":{"co2":"x"}', 'metrics.co2: expected a number, got the string "x"'],
    [
      '"metrics":{"co2":1e999}',
      "metrics.co2: expected a finite number, got a number beyond the largest double",
    ],
    [
      '"metrics":{"humidity":1}',
      'metrics: expected no name that is a field of its own, got "humidity"',
    ],
    [
      '"metrics":{"1a":1}',
      'metrics: expected names of 1 to 64 letters, digits, "_", "." and "-" that begin with a letter or "_", got "1a"',
    ],
    [
      `"metrics":{${Array.from({ length: 33 }, (_, i) => `"m${i}":1`).join()}}`,
      "metrics: expected at most 32, got 33",
    ],
    [
      '"timestamp":"yesterday"',
      'timestamp: expected an RFC 3339 date-time, got the string "yesterday"',
    ],
    ['"timestamp":""', 'timestamp: expected an RFC 3339 date-time, got the string ""'],
    [
      '"timestamp":1767225600',
      "timestamp: expected an RFC 3339 date-time, got the number 1767225600",
    ],
    [
      '"timestamp":"2026-01-01T00:00:00Z\\u0000"',
      'timestamp: expected an RFC 3339 date-time, got the string "2026-01-01T00:00:00Z\\u0000"',
    ],
  ];
  for (const [field, reason] of fields) assert.equal(parseWith(field), reason, field);
});

Deno.test("a further metric is never null", () => {
  assert.equal(parseWith('"metrics":{"a":1,"b":null}'), "metrics.b: expected a number, got null");
  assert.equal(
    parseWith('"metrics":{"n 1":null}')?.startsWith("metrics: expected names"),
    true,
  );
});

Deno.test("a repeated metric keeps its first place and has its last value", () => {
  assert.equal(parseWith('"metrics":{"a":1,"b":2,"a":3}'), null);
  assert.deepStrictEqual(inRegister(reading).metrics, [["a", 3], ["b", 2]]);
});

Deno.test("a reason is short, in one line, whatever came", () => {
  const nested = "[".repeat(100_000) + "]".repeat(100_000);
  const long = [
    `"temperature":"${"x".repeat(100_000)}"`,
    `"temperature":"${"\\u0000".repeat(1_000)}"`,
    `"temperature":"${"\u{1f600}".repeat(1_000)}"`,
    `"temperature":"${'\\"'.repeat(1_000)}"`,
    `"temperature":${nested}`,
    `"metrics":{"${"\\n\u202e".repeat(1_000)}":1}`,
    `"metrics":{"${"m".repeat(64)}":"${"\\u0001".repeat(1_000)}"}`,
    `"x":"${"\u0001".repeat(1_000)}"`,
    "\u0000\u202e\u2028".repeat(1_000),
  ];
  for (const field of long) {
    const reason = parseWith(field);
    assert.match(reason ?? "valid", /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]{20,299}$/u);
  }
  assert.equal(
    parseWith(`"temperature":"${"abcdefghi\\n".repeat(10)}"`),
    `temperature: expected a number, got the string "${"abcdefghi\\u000a".repeat(4)}…"`,
  );
});

Deno.test("of the contract's cases these are refused, the others are readings", () => {
  const refused = contractCases().flatMap(({ name, bytes }) => {
    const reason = bytes === undefined ? null : parse(bytes);
    if (bytes !== undefined) assert.equal(reason === null, plainReading(bytes) !== undefined, name);
    return reason === null ? [] : [`${name} => ${reason.replace(/^(not JSON): .*/, "$1")}`];
  });
  assert.deepStrictEqual(refused, [
    "numeric tenant => tenant_id: expected a string, got the number 7",
    "missing device_id => device_id: required",
    "empty device_id => device_id: expected 1 to 256 characters, got 0",
    "null device_id => device_id: expected a string, got null",
    "numeric device_id => device_id: expected a string, got the number 42",
    "bool device_id => device_id: expected a string, got true",
    "nested device_id => device_id: expected a string, got an object",
    "list device_id => device_id: expected a string, got an array",
    'blank device_id => device_id: expected more than white space, got the string "   "',
    'temperature as string => temperature: expected a number, got the string "21.5"',
    'both as strings => temperature: expected a number, got the string "21.5"',
    "temperature bool => temperature: expected a number, got true",
    "temperature object => temperature: expected a number, got an object",
    "temperature list => temperature: expected a number, got an array",
    "NaN literal => not JSON",
    "1e999 => temperature: expected a finite number, got a number beyond the largest double",
    "timestamp: epoch seconds int => timestamp: expected an RFC 3339 date-time, got the number 1767225600",
    "timestamp: epoch float => timestamp: expected an RFC 3339 date-time, got the number 1767225600.5",
    'timestamp: epoch string => timestamp: expected an RFC 3339 date-time, got the string "1767225600"',
    'timestamp: space separator => timestamp: expected an RFC 3339 date-time, got the string "2026-01-01 00:00:00Z"',
    'timestamp: date only => timestamp: expected an RFC 3339 date-time, got the string "2026-01-01"',
    'timestamp: offset +0200 => timestamp: expected an RFC 3339 date-time, got the string "2026-01-01T02:00:00+0200"',
    'timestamp: lower-case t z => timestamp: expected an RFC 3339 date-time, got the string "2026-01-01t00:00:00z"',
    'timestamp: garbage => timestamp: expected an RFC 3339 date-time, got the string "yesterday"',
    'timestamp: empty => timestamp: expected an RFC 3339 date-time, got the string ""',
    'timestamp: year 10000 => timestamp: expected an RFC 3339 date-time, got the string "10000-01-01T00:00:00Z"',
    'timestamp: leap second => timestamp: expected an RFC 3339 date-time, got the string "2026-06-30T23:59:60Z"',
    "upper-case field names => device_id: required",
    "empty object => device_id: required",
    "device_id of 10,000 chars => device_id: expected 1 to 256 characters, got 10000",
    "top-level null => expected an object, got null",
    "top-level array => expected an object, got an array",
    'top-level string => expected an object, got the string "hello"',
    "top-level number => expected an object, got the number 5",
    "non-JSON => not JSON",
    "empty value => not JSON",
    "trailing garbage => not JSON",
    "two objects => not JSON",
    "truncated => not JSON",
    "invalid UTF-8 in device_id => not UTF-8: no character begins with 0xff at position 17",
    "UTF-8 BOM first => not JSON",
  ]);
});

const long = fc.string({ unit: "binary", maxLength: 300, size: "max" });
const anything = fc.oneof(
  fc.jsonValue({ maxDepth: 1 }),
  fc.string({ unit: "binary" }),
  fc.constantFrom("", " ", "\u00a0", "\ufeff", "\u0085", "x".repeat(257), "2026-01-01T00:00:00"),
);
const name = fc.oneof({ weight: 8, arbitrary: fc.constantFrom("d", "é", "a b") }, anything, long);
const number = fc.oneof({ weight: 8, arbitrary: fc.double() }, anything);
const optional = { requiredKeys: [] };
const readings = fc.record({
  device_id: name,
  tenant_id: fc.oneof(name, fc.constant("")),
  temperature: number,
  humidity: number,
  metrics: fc.oneof(
    fc.dictionary(fc.constantFrom("a", "b", "c.d-e", "_", "__proto__"), fc.double()),
    fc.dictionary(fc.constantFrom("a", "1", "humidity", "b b", "m".repeat(65)), number),
    fc.array(fc.double(), { minLength: 25, maxLength: 40 })
      .map((values) => Object.fromEntries(values.map((value, i) => [`m${i}`, value]))),
    anything,
  ),
  timestamp: fc.oneof(
    fc.constantFrom("2026-01-01T00:00:00.25", "2026-01-01T00:00:00+01:30", "2026-02-30T00:00:00Z"),
    anything,
  ),
  other: anything,
}, optional);

Deno.test("any object is read as by the plain twin, or refused by both", () => {
  let valid = 0;
  fc.assert(
    fc.property(readings, (value) => {
      const bytes = encoder.encode(JSON.stringify(value));
      const expected = plainReading(bytes);
      const reason = parse(bytes);
      assert.equal(reason === null, expected !== undefined, reason ?? "valid");
      if (reason === null) {
        assert.deepStrictEqual(inRegister(reading), expected);
        valid++;
      }
    }),
    { numRuns: 30_000 },
  );
  assert.ok(valid > 2_000, `${valid} valid`);
});
