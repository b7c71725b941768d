import assert from "node:assert/strict";
import fc from "fast-check";
import { readJson } from "../../src/core/reading_json.ts";
import { Reading } from "../../src/core/reading.ts";
import { scanReading } from "../../src/core/scan.ts";
import { assertSame, contractCases, inRegister, plainReading } from "./reading_twin.ts";

const encoder = new TextEncoder();
const scanned = new Reading();
const parsed = new Reading();

/** Whether the scanner takes it; if so, both paths must read the same, whatever stands around it. */
function scans(text: string | Uint8Array): boolean {
  const value = typeof text === "string" ? encoder.encode(text) : text;
  const bytes = new Uint8Array(value.length + 40).fill(0x7d);
  bytes.set(encoder.encode('{"device_id":"before"}'), 0);
  bytes.set(value, 22);
  bytes.set(encoder.encode(',"temperature":99}'), 22 + value.length);
  const accepted = scanReading(scanned, bytes, 22, 22 + value.length);
  if (accepted) {
    const shown = JSON.stringify(new TextDecoder().decode(value));
    assert.equal(readJson(parsed, bytes, 22, 22 + value.length), null, shown);
    assertSame(scanned, parsed, () => shown);
  }
  return accepted;
}

Deno.test("the usual shape takes the fast path", () => {
  const usual = [
    '{"device_id":"device-0042","temperature":21.37,"humidity":45.2,"timestamp":"2026-01-01T00:00:00.123Z","tenant_id":"tenant-3"}',
    '{"tenant_id":"t","timestamp":"2026-01-01T00:00:00","humidity":0,"temperature":-0.0,"device_id":"d"}',
    ' \t\r\n{ "device_id" :\t"d" ,\r\n"temperature" : 1 } \n',
    '{"device_id":"d"}',
    '{"device_id":"d","tenant_id":""}',
    '{"device_id":"d","tenant_id":null,"temperature":null,"humidity":null,"timestamp":null,"metrics":null}',
    '{"device_id":"d","timestamp":"2024-02-29T00:00:00+02:00"}',
    '{"device_id":"d","temperature":21.123456789012345,"humidity":1e-7}',
    '{"device_id":"d","battery":3.3,"ok":true,"no":false,"none":null,"unit":"°C","note":"a\\n\\u00e9\\"😀"}',
    '{"unknown":-1.5E+400,"device_id":"d","unknown":2}',
    '{"device_id":"d","device":"x","tenant":"y","temp":1,"humid":2,"metric":3,"time":"z","timestamps":4}',
    '{"device_id":"d","metrics":{}}',
    '{"device_id":"d","metrics":{"co2":412,"pm2.5":-0, "_a-b" : 1e3 , "__proto__":1,"constructor":2}}',
    '{"device_id":"d","__proto__":1,"toString":"x"}',
    `{"device_id":"${"x".repeat(256)}","tenant_id":"${"y".repeat(256)}"}`,
  ];
  for (const text of usual) assert.ok(scans(text), text);
});

Deno.test("what is doubtful or wrong is left to the careful path", () => {
  const left = [
    "",
    " ",
    "{}",
    "}",
    "null",
    '{\v"device_id":"d"}',
    '{"device_id":"d"}\f',
    '{"device_id":\u00a0"d"}',
    "[]",
    '"hello"',
    "5",
    '{"device_id":"d"',
    '{"device_id":"d"}}',
    '{"device_id":"d"} x',
    '{"device_id":"d"}{"device_id":"e"}',
    '{"device_id":"d",}',
    '{,"device_id":"d"}',
    '{"device_id" "d"}',
    '{"device_id":"d" "x":1}',
    '{"device_id":d}',
    '{"device_id":"d","device_id":"e"}',
    '{"device_id":"d","temperature":1,"temperature":2}',
    '{"device_id":"d","temperature":null,"temperature":2}',
    '{"device_id":"d","\\u0074emperature":2}',
    '{"device_id":"d","tempera\\u0074ure":2}',
    '{"device_id":"d","clé":2}',
    '{"device_id":null}',
    '{"device_id":""}',
    '{"device_id":"   "}',
    '{"device_id":42}',
    '{"device_id":"a\\u0000"}',
    '{"device_id":"a\u007f"}',
    '{"device_id":"a\tb"}',
    '{"device_id":"é"}',
    `{"device_id":"${"x".repeat(257)}"}`,
    '{"device_id":"d","tenant_id":7}',
    '{"device_id":"d","tenant_id":" "}',
    '{"device_id":"d","temperature":"21.5"}',
    '{"device_id":"d","temperature":true}',
    '{"device_id":"d","temperature":1e999}',
    '{"device_id":"d","temperature":01}',
    '{"device_id":"d","temperature":nul}',
    '{"device_id":"d","temperature":NaN}',
    '{"device_id":"d","timestamp":""}',
    '{"device_id":"d","timestamp":"yesterday"}',
    '{"device_id":"d","timestamp":"2025-02-29T00:00:00Z"}',
    '{"device_id":"d","timestamp":1767225600}',
    '{"device_id":"d","meta":{"a":[1,2]}}',
    '{"device_id":"d","x":"\\x"}',
    '{"device_id":"d","x":"\\u12g4"}',
    '{"device_id":"d","x":"a\nb"}',
    '{"device_id":"d","x":tru}',
    '{"device_id":"d","x":True}',
    '{"device_id":"d","x":+1}',
    '{"device_id":"d","x":}',
    '{"device_id":"d","x":"}',
    '{"device_id":"d","x":"\\"}',
    '{"device_id":"d","metrics":[]}',
    '{"device_id":"d","metrics":{"a":1,"a":2}}',
    '{"device_id":"d","metrics":{"a":null}}',
    '{"device_id":"d","metrics":{"a":"1"}}',
    '{"device_id":"d","metrics":{"temperature":1}}',
    '{"device_id":"d","metrics":{"1a":1}}',
    '{"device_id":"d","metrics":{"a b":1}}',
    '{"device_id":"d","metrics":{"a":1,}}',
    '{"device_id":"d","metrics":{"a":1}',
    `{"device_id":"d","metrics":{"${"x".repeat(65)}":1}}`,
    `{"device_id":"d","metrics":{${Array.from({ length: 33 }, (_, i) => `"m${i}":1`).join()}}}`,
  ];
  for (const text of left) assert.equal(scans(text), false, text);
});

Deno.test("an unknown string must be UTF-8", () => {
  const around = (bytes: number[]) =>
    Uint8Array.from([...encoder.encode('{"device_id":"d","x":"'), ...bytes, 0x22, 0x7d]);
  const characters = [0x80, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xffff, 0x10000, 0x10ffff];
  for (const character of characters) {
    assert.ok(scans(around([...encoder.encode(String.fromCodePoint(character))])), `${character}`);
  }
  const strict = new TextDecoder("utf-8", { fatal: true });
  for (let lead = 0x80; lead < 0x100; lead++) {
    for (let second = 0x70; second < 0xd0; second++) {
      for (const rest of [[], [0x80], [0x80, 0xbf], [0x80, 0xc0], [0x20, 0x80]]) {
        const bytes = Uint8Array.of(lead, second, ...rest);
        let valid = true;
        try {
          strict.decode(bytes);
        } catch {
          valid = false;
        }
        assert.equal(scans(around([...bytes])), valid, `${bytes}`);
      }
    }
  }
});

Deno.test("the bytes behind the end change nothing", () => {
  const text = '{"device_id":"d","temperature":1.5,"timestamp":"2026-01-01T00:00:00","x":"é"}';
  const bytes = encoder.encode(`${text}${text}`);
  for (let end = 0; end < encoder.encode(text).length; end++) {
    const cut = bytes.slice(0, end);
    assert.equal(scanReading(scanned, bytes, 0, end), false);
    assert.equal(scanReading(scanned, cut, 0, end), false);
  }
});

Deno.test("a reading leaves nothing to the next one", () => {
  assert.ok(scans(
    '{"device_id":"d","tenant_id":"t","temperature":1,"humidity":2,"metrics":{"a":1,"b":2},"timestamp":"2026-01-01T00:00:00"}',
  ));
  assert.ok(scans('{"device_id":"e"}'));
  assert.deepStrictEqual(inRegister(scanned), {
    device: "e",
    tenant: "default",
    temperature: NaN,
    humidity: NaN,
    timestamp: "",
    naive: false,
    time: NaN,
    metrics: [],
  });
});

Deno.test("a metric's name is not taken for that of the reading before", () => {
  assert.ok(scans('{"device_id":"d","metrics":{"co2":1,"voltage":2,"x":3}}'));
  assert.ok(scans('{"device_id":"e","metrics":{"co2":3,"voltag":4,"voltages":5}}'));
  assert.deepStrictEqual(inRegister(scanned).metrics, [["co2", 3], ["voltag", 4], ["voltages", 5]]);
});

const names = fc.constantFrom(
  "device_id",
  "tenant_id",
  "temperature",
  "humidity",
  "metrics",
  "timestamp",
  "unknown",
  "__proto__",
  "device",
);
const scalars = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.constantFrom(null, true, false, "", " ", "2026-01-01T00:00:00.5", "2024-02-29T01:02:03+04:00"),
  fc.string({ unit: "grapheme" }),
  fc.string({ unit: "binary" }),
);
const metrics = fc.dictionary(fc.constantFrom("a", "b", "c.d", "1", "humidity"), scalars);
const space = fc.constantFrom("", "", "", " ", "\n\t", "\r\n  ");
const readings = fc.tuple(
  space,
  fc.array(fc.tuple(names, fc.oneof({ weight: 9, arbitrary: scalars }, metrics), space), {
    maxLength: 8,
  }),
).map(([before, fields]) => {
  const written = [["device_id", "d", ""] as const, ...fields].map(([name, value, space]) =>
    `${space}${JSON.stringify(name)}${space}:${space}${JSON.stringify(value) ?? null}${space}`
  );
  return `${before}{${written.slice(written.length % 3 === 0 ? 1 : 0).join()}}${before}`;
});

Deno.test("any object that the scanner takes is read alike by the careful path", () => {
  let taken = 0;
  fc.assert(
    fc.property(readings, (text) => {
      if (scans(text)) taken++;
    }),
    { numRuns: 30_000 },
  );
  assert.ok(taken > 3_000, `${taken} taken`);
});

Deno.test("of the contract's valid cases the scanner takes all but those of another shape", () => {
  const left = contractCases()
    .filter(({ bytes }) => bytes && plainReading(bytes) && !scans(bytes))
    .map(({ name }) => name);
  assert.deepStrictEqual(left, ["unicode/html device_id", "extra fields", "repeated key"]);
});
