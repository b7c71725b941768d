/** Lists of devices, wherever these rest, against a plain map that is sorted as a whole. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { StateDeviceLists } from "../../src/pipeline/device_lists.ts";
import { rebuild } from "../../src/pipeline/commit.ts";
import { type DevicePage, type DeviceQuery, type ListedDevice } from "../../src/pipeline/ports.ts";
import { PARITY } from "../core/result_twin.ts";
import { tempFolder } from "../harness/temp.ts";
import { startNode } from "./node.ts";

const TENANTS = ["a", "b", "ü"];
const DEVICES = ["press-1", "Press-2", "mill-1", "\u{1f600}", "x.y", "MILL-2"];
const START = 1_770_000_000_000;
const encoder = new TextEncoder();

interface Plain {
  tenant: string;
  device: string;
  lastSeen: string;
  lastSeenMs: number;
  results: number;
  lastProcessed: number;
  lastScore: number;
}

function listed(it: Plain): ListedDevice {
  const { lastSeenMs: _, ...rest } = it;
  return rest;
}

/** The same question to a plain list. */
function plainPage(all: Iterable<Plain>, query: DeviceQuery): DevicePage {
  const { sort, descending, after, limit, tenants, search, silentSince = Infinity } = query;
  const of = (it: Plain) => sort === "score" ? it.lastScore : it.lastSeenMs;
  const sign = descending ? -1 : 1;
  const compare = (a: { by: number; key: string[] }, b: { by: number; key: string[] }) =>
    sign * (a.by - b.by) || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);
  const rows = [...all].map((it) => ({ it, by: of(it), key: [it.tenant, it.device] }))
    .filter(({ it }) => tenants?.has(it.tenant) ?? true)
    .filter(({ it }) => it.device.toLowerCase().includes((search ?? "").toLowerCase()))
    .filter(({ it }) => it.lastProcessed < silentSince)
    .sort(compare);
  const from = after === undefined
    ? 0
    : rows.findIndex((row) =>
      compare(row, { by: after.value!, key: [after.tenant, after.device] }) > 0
    );
  const rest = from < 0 ? [] : rows.slice(from);
  const page = rest.slice(0, limit);
  const last = page.at(-1);
  const next = rest.length > limit && last !== undefined
    ? { value: last.by, tenant: last.it.tenant, device: last.it.device }
    : undefined;
  return { devices: page.map(({ it }) => listed(it)), next };
}

function finish<T>(steps: Generator<undefined, T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value as T;
  }
}

async function rig(options: { maxFleetBytes: number; maxIndexBytes?: number; step?: number }) {
  const folder = tempFolder();
  const clock = { time: START };
  const { maxFleetBytes, maxIndexBytes, step } = options;
  const settings = (tenant: string) => ({ ...PARITY, sampling: tenant === "none" ? 0 : 1 });
  const start = () =>
    startNode({ dir: folder.path, clock, settings, output: false, maxReadings: 2, maxFleetBytes });
  const lists = (node: ReturnType<typeof start>) =>
    new StateDeviceLists(node.state, { store: node.store, maxIndexBytes, step });
  const node = start();
  const plain = new Map<string, Plain>();
  const it = {
    clock,
    plain,
    node,
    lists: lists(node),
    async send(reading: Record<string, unknown>) {
      const outcome = await it.node.ingest.submit(encoder.encode(JSON.stringify(reading)));
      if (outcome.kind !== "result") return outcome.kind;
      const result = JSON.parse(outcome.value);
      const [tenant, device] = [result.tenant_id, result.device_id];
      const key = JSON.stringify([tenant, device]);
      const before = plain.get(key);
      const lastSeenMs = Date.parse(result.timestamp);
      const isLater = before === undefined || lastSeenMs > before.lastSeenMs;
      plain.set(key, {
        tenant,
        device,
        lastSeen: isLater ? result.timestamp : before.lastSeen,
        lastSeenMs: isLater ? lastSeenMs : before.lastSeenMs,
        results: (before?.results ?? 0) + 1,
        lastProcessed: clock.time,
        lastScore: result.anomaly_score,
      });
      return outcome.kind;
    },
    restart() {
      it.node.crash();
      it.node = start();
      it.lists = lists(it.node);
    },
    list: (query: Partial<DeviceQuery> = {}) =>
      finish(it.lists.list({ sort: "last_seen", descending: true, limit: 100, ...query })),
    [Symbol.dispose]() {
      it.node.crash();
      folder[Symbol.dispose]();
    },
  };
  return await Promise.resolve(it);
}

const send = fc.record({
  kind: fc.constant("send" as const),
  tenant: fc.constantFrom(...TENANTS),
  device: fc.constantFrom(...DEVICES),
  temperature: fc.constantFrom(20, 50),
  humidity: fc.constantFrom(50, 99),
  second: fc.option(fc.nat(59)),
  passed: fc.nat(3000),
});
const step = fc.oneof(
  { weight: 6, arbitrary: send },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom("checkpoint" as const, "restart" as const, "rebuild" as const),
    }),
  },
);
const query: fc.Arbitrary<{ query: DeviceQuery; silentFor: number | undefined }> = fc.record({
  query: fc.record({
    sort: fc.constantFrom("last_seen" as const, "score" as const),
    descending: fc.boolean(),
    limit: fc.integer({ min: 1, max: 5 }),
    tenants: fc.option(fc.subarray(TENANTS).map((it) => new Set(it)), { nil: undefined }),
    search: fc.option(fc.constantFrom("press", "ILL", ".", "-", "\u{1f600}", "q"), {
      nil: undefined,
    }),
  }),
  silentFor: fc.option(fc.nat(6000), { nil: undefined }),
});

for (
  const [where, options] of [
    ["all in memory", { maxFleetBytes: 1e9 }],
    ["most at rest", { maxFleetBytes: 4000 }],
    ["none in memory", { maxFleetBytes: 1 }],
    ["at rest, and too many for the index", { maxFleetBytes: 4000, maxIndexBytes: 1 }],
  ] as const
) {
  Deno.test(`any history, any question, ${where}: every page is the plain list's`, async () => {
    let asked = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(step, query), { minLength: 5, maxLength: 40, size: "max" }),
        async (history) => {
          using it = await rig(options);
          for (const [step, { query, silentFor }] of history) {
            if (step.kind === "send") {
              const { tenant, device, temperature, humidity, second } = step;
              it.clock.time += step.passed;
              const timestamp = second === null ? undefined : new Date(START + second * 1000);
              await it.send({
                device_id: device,
                tenant_id: tenant,
                temperature,
                humidity,
                timestamp,
              });
            } else if (step.kind === "checkpoint") it.node.ingest.checkpointAll();
            else if (step.kind === "restart") it.restart();
            else rebuild(it.node.state, it.node.checkpoint);
            const silentSince = silentFor === undefined ? undefined : it.clock.time - silentFor;
            let after: DeviceQuery["after"];
            do {
              const full = { ...query, silentSince, after };
              const page = finish(it.lists.list(full));
              assert.deepEqual(page, plainPage(it.plain.values(), full));
              after = page.next;
              asked++;
            } while (after !== undefined);
          }
        },
      ),
      { numRuns: 15 },
    );
    assert.ok(asked > 100, `${asked} pages`);
  });
}

Deno.test("while a page is made readings come and devices go: each device is on it once", async () => {
  for (const maxFleetBytes of [1e9, 20_000, 1]) {
    for (const maxIndexBytes of [undefined, 1]) {
      using it = await rig({ maxFleetBytes, maxIndexBytes, step: 20 });
      const names = Array.from({ length: 450 }, (_, i) => `d${i}`);
      for (const device of names) await it.send({ device_id: device, temperature: 20 });
      if (maxFleetBytes < 1e9) assert.ok(it.node.state.engine.fleet.size < 100);
      for (let round = 0; round < 2; round++) {
        const query = { sort: "last_seen", descending: true, limit: 1000 } as const;
        const steps = it.lists.list(query);
        let page: DevicePage | undefined;
        for (let turn = 0; page === undefined; turn++) {
          const { done, value } = steps.next();
          if (done) page = value;
          it.clock.time += 1000;
          // Those far from each other: they change places in memory.
          for (let i = 0; i < 5; i++) {
            const device = names[(turn * 389 + i * 211) % names.length];
            await it.send({ device_id: device, temperature: 20 });
          }
        }
        const seen = page.devices.map(({ device }) => device);
        assert.deepEqual(seen.toSorted(), names.toSorted());
      }
    }
  }
});

Deno.test("a device all of whose readings were sampled out is in no list", async () => {
  for (const maxFleetBytes of [1e9, 1]) {
    using it = await rig({ maxFleetBytes });
    assert.equal(
      await it.send({ device_id: "d", tenant_id: "none", temperature: 1 }),
      "sampled out",
    );
    await it.send({ device_id: "e", temperature: 1 });
    it.list();
    await it.send({ device_id: "f", tenant_id: "none", temperature: 1 });
    assert.deepEqual(it.list().devices.map(({ device }) => device), ["e"]);
  }
});

Deno.test("what isn't known of devices from before comes last, and tells silence by its own clock", async () => {
  using it = await rig({ maxFleetBytes: 1e9 });
  for (const device of ["a", "b", "c"]) {
    await it.send({ device_id: device, temperature: 50, timestamp: "2026-01-01T00:00:00Z" });
  }
  it.node.ingest.checkpointAll();
  const state = it.node.store.devices.load("default", "b")!;
  it.restart();
  it.node.store.transact((tx) => tx.saveDevice({ ...state, lastProcessed: null, lastScore: null }));
  const names = (query: Partial<DeviceQuery>) => it.list(query).devices.map(({ device }) => device);
  assert.deepEqual(names({ sort: "score" }), ["a", "c", "b"]);
  assert.deepEqual(names({ sort: "score", descending: false }), ["b", "a", "c"]);
  const { next } = it.list({ sort: "score", descending: false, limit: 1 });
  assert.deepEqual(next, { value: null, tenant: "default", device: "b" });
  assert.deepEqual(names({ sort: "score", descending: false, after: next }), ["a", "c"]);
  const silentSince = Date.parse("2026-01-01T00:00:01Z");
  assert.deepEqual(names({ silentSince }), ["b"]);
  const [unknown] = it.list({ search: "b" }).devices;
  assert.deepEqual([unknown.lastProcessed, unknown.lastScore], [null, null]);
});
