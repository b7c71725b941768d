/** Bad input of every kind: a dead letter or a result, never a crash, never a stall. */
import assert from "node:assert/strict";
import { produce, type TestRecord } from "../harness/kafka.ts";
import { seededRandom } from "./load.ts";
import { makeRoad } from "./road.ts";

const MIB = 1024 * 1024;

function good(device: string): TestRecord {
  return { key: device, value: `{"device_id":"${device}","temperature":20,"humidity":50}` };
}

/** Bytes of any value. */
function noise(random: () => number): Uint8Array {
  return Uint8Array.from({ length: Math.floor(random() * 300) }, () => random() * 256);
}

/** A good reading with a few bytes changed, removed or repeated. */
function mutated(random: () => number): Uint8Array {
  const text = `{"device_id":"m-${Math.floor(random() * 9)}","temperature":${(random() * 40)},` +
    `"humidity":5e1,"metrics":{"co2":400},"timestamp":"2026-01-01T00:00:00.5+01:00","x":[1,"\\u0041"]}`;
  const bytes = [...new TextEncoder().encode(text)];
  for (let change = 0; change < 1 + random() * 3; change++) {
    const at = Math.floor(random() * bytes.length);
    const kind = random();
    if (kind < 0.4) bytes[at] = Math.floor(random() * 256);
    else if (kind < 0.7) bytes.splice(at, 1 + Math.floor(random() * 5));
    else bytes.splice(at, 0, ...bytes.slice(at, at + 8));
  }
  return Uint8Array.from(bytes);
}

function odd(): (string | Uint8Array | null)[] {
  const deep = 100_000;
  return [
    null,
    "",
    " ".repeat(2 * MIB),
    `{"device_id":"large","pad":"${"x".repeat(2 * MIB)}"}`,
    "[".repeat(deep) + "]".repeat(deep),
    '{"a":'.repeat(deep),
    `{"device_id":"digits","temperature":1${"0".repeat(300)}.${"3".repeat(50_000)}}`,
    `{"device_id":"digits","temperature":0.${"0".repeat(50_000)}1}`,
    '{"device_id":"exponent","temperature":1e400}',
    '{"device_id":"exponent","temperature":1e-400,"humidity":1.7976931348623157e308}',
    '{"device_id":"exponent","humidity":1.7976931348623157e308,"temperature":5e-324}',
    '{"device_id":"\\ud800","temperature":1}',
    '{"device_id":"tab\\t"}',
    `{"device_id":"${"\u{1f600}".repeat(256)}"}`,
    `{"device_id":"${"\u{1f600}".repeat(257)}"}`,
    '{"__proto__":{"device_id":"p"}}',
    '{"device_id":"p","__proto__":7,"constructor":{},"metrics":{"__proto__":1,"toString":2}}',
    `{"device_id":"keys",${Array.from({ length: 5_000 }, (_, i) => `"k${i}":${i}`).join()}}`,
    `{"device_id":"names","metrics":{${Array.from({ length: 33 }, (_, i) => `"m${i}":1`).join()}}}`,
    new Uint8Array([0xef, 0xbb, 0xbf, 0x7b, 0x7d]),
    new Uint8Array([0xed, 0xa0, 0x80]),
    new Uint8Array(1000),
  ];
}

/** Every device keeps to one partition, so that the oracle can judge its windows. */
function inOnePlace(values: readonly (string | Uint8Array | null)[]): TestRecord[] {
  return values.map((value) => ({ value, partition: 0 }));
}

Deno.test("bad input of every kind goes to the dead letters, and the rest goes on", async () => {
  const random = seededRandom(11);
  const config = { "max.message.bytes": 8 * MIB };
  await using road = await makeRoad({ name: "bad", config });
  await road.start();
  await produce(road.input, inOnePlace(odd()));
  await produce(road.input, inOnePlace(Array.from({ length: 2_000 }, () => noise(random))));
  await produce(road.input, inOnePlace(Array.from({ length: 2_000 }, () => mutated(random))));
  const once = Array.from({ length: 10_000 }, (_, i) => good(`once-${i}`));
  await produce(road.input, once);
  await produce(road.input, [good("last")]);
  const { expectation } = await road.assertRight();
  assert.ok(expectation.rejections.length > 3_000, `${expectation.rejections.length} rejected`);
  assert.ok(expectation.devices.size > 10_000, `${expectation.devices.size} devices`);
});

Deno.test("a reading of exactly MAX_READING_BYTES is taken, one byte more isn't", async () => {
  await using road = await makeRoad({ name: "size", env: { MAX_READING_BYTES: "2KiB" } });
  await road.start();
  const ofLength = (length: number) => {
    const value = '{"device_id":"size","temperature":1}';
    return { key: "size", value: value.padEnd(length, " ") };
  };
  await produce(road.input, [ofLength(2048), ofLength(2049), ofLength(2047)]);
  const { expectation } = await road.assertRight({ maxReadingBytes: 2048 });
  assert.deepEqual(expectation.rejections.map(({ record }) => record.offset), [1]);
});
