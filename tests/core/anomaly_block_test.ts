/** What the compact form says of an anomaly is what its result says. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { type AnomalyBlock, AnomalyBlockReader } from "../../src/core/anomaly_block.ts";
import { ResultId } from "../../src/core/result.ts";
import { anomalyInResult, comparableAnomaly } from "./anomaly_twin.ts";
import { newEngine, runBatch, TIME } from "./engine_rig.ts";
import { metricNames, names, readingsOf } from "./readings.ts";

function* all(blocks: readonly AnomalyBlock[]) {
  for (const block of blocks) {
    const reader = new AnomalyBlockReader(block);
    for (let i = 0; i < block.count; i++) yield { block, reader, i, anomaly: reader.get(i) };
  }
}

const bound = fc.constantFrom(-Infinity, -20, -0, 0.5, 19.99, 30);
const detector = fc.record({
  type: fc.constant("range" as const),
  metric: fc.oneof(fc.constantFrom("temperature", "humidity", "__proto__", "co2"), metricNames),
  min: bound,
  max: bound.map((it) => it === -Infinity ? Infinity : it + 20),
  weight: fc.constantFrom(0, 0.1, 1, 3, Number.MAX_VALUE),
});
const settings = fc.record({
  threshold: fc.constantFrom(0, 0.1, 1, 2),
  sampling: fc.constant(1),
  detectors: fc.array(detector, { maxLength: 6 }),
});

Deno.test("the anomalies of a batch are what their results say, in their order", () => {
  let seen = 0;
  fc.assert(
    fc.property(
      fc.array(readingsOf({ devices: names, tenants: names }), { maxLength: 30 }),
      fc.array(settings, { minLength: 1, maxLength: 3 }),
      (readings, settings) => {
        const engine = newEngine({
          settings: (tenant) => settings[tenant.length % settings.length],
        });
        const { values } = runBatch(engine, { readings });
        const expected = values.map((text) => [anomalyInResult(text), JSON.parse(text).is_anomaly])
          .filter(([, isAnomaly]) => isAnomaly).map(([it]) => it);
        const found = [...all(engine.anomalies.finish())];
        assert.deepEqual(found.map(({ anomaly }) => comparableAnomaly(anomaly)), expected);
        for (const { block, reader, i, anomaly } of found) {
          assert.deepEqual(reader.key(i), { tenant: anomaly.tenant, device: anomaly.device });
          assert.equal(reader.score(i), anomaly.score);
          const time = reader.time(i);
          assert.equal(Math.floor(time), Math.floor(Date.parse(cut(anomaly.timestamp))));
          assert.ok(block.earliest <= time && time <= block.latest);
          assert.ok(anomaly.score <= block.maxScore);
          assert.equal(block.time, TIME);
        }
        seen += found.length;
        engine.begin({ time: TIME, lanes: 1, firstId: 9 });
        assert.deepEqual(engine.anomalies.finish(), [], "a batch has its own");
      },
    ),
    { numRuns: 300 },
  );
  assert.ok(seen > 300, `${seen}`);
});

/** `Date.parse` takes milliseconds at most. */
function cut(timestamp: string): string {
  return timestamp.replace(/(\.[0-9]{3})[0-9]+/, "$1");
}

Deno.test("a flood makes many blocks of bounded length, and loses nothing", () => {
  const engine = newEngine();
  const id = new ResultId("a-topic-0-");
  const bytes = new TextEncoder().encode(
    `{"device_id":"${"d".repeat(256)}","temperature":-1,"humidity":99,"metrics":{"${
      Array.from({ length: 32 }, (_, i) => `${"m".repeat(62)}${i + 10}`).join('":1,"')
    }":2}}`,
  );
  engine.begin({ time: TIME, lanes: 1, firstId: 1 });
  for (id.offset = 0; id.offset < 1000; id.offset++) engine.apply(bytes, 0, bytes.length, id, 0);
  const blocks = engine.anomalies.finish();
  assert.ok(blocks.length > 8);
  for (const { body } of blocks) assert.ok(body.length < 256 * 1024);
  const ids = [...all(blocks)].map(({ anomaly }) => anomaly.id);
  assert.deepEqual(ids, Array.from({ length: 1000 }, (_, i) => `a-topic-0-${i}`));
});

Deno.test("many tenants' detectors close a block before its list of them grows long", () => {
  const detectors = (max: number) =>
    [{ type: "range", metric: "t", min: 0, max, weight: 3 }] as const;
  const engine = newEngine({
    settings: (tenant) => ({ threshold: 1, sampling: 1, detectors: detectors(Number(tenant)) }),
  });
  const readings = Array.from(
    { length: 2000 },
    (_, i) => `{"device_id":"d","tenant_id":"${i}","metrics":{"t":-${i + 1}}}`,
  );
  runBatch(engine, { readings });
  const blocks = engine.anomalies.finish();
  assert.deepEqual(blocks.map(({ count }) => count), [501, 501, 501, 497]);
  const last = [...all(blocks)].at(-1)!.anomaly;
  assert.equal(JSON.parse(last.reasons[0]).detail, "-2000 is below 0");
});

Deno.test("bytes that are no anomalies are told so", () => {
  const engine = newEngine();
  runBatch(engine, { readings: ['{"device_id":"d","temperature":-1,"humidity":99}'] });
  const [block] = engine.anomalies.finish();
  const broken = (fields: Partial<AnomalyBlock>) => () =>
    new AnomalyBlockReader({ ...block, ...fields });
  assert.throws(broken({ count: 2 }), /expected 2 records/);
  assert.throws(broken({ body: block.body.subarray(1) }), RangeError);
  assert.throws(broken({ body: block.body.slice(0, -1) }), RangeError);
  assert.throws(broken({ body: new Uint8Array(7) }), /no length/);
  assert.throws(() => new AnomalyBlockReader({ ...block, detectors: "[]" }).get(0), RangeError);
});
