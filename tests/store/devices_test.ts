import assert from "node:assert/strict";
import fc from "fast-check";
import type { DeviceState, SeriesState } from "../../src/pipeline/ports.ts";
import { tempFolder } from "../harness/temp.ts";
import { device, open, series } from "./samples.ts";

/** Text as it may come: any code point, U+0000 and empty included. */
const text = fc.string({ unit: "binary", maxLength: 12 });
/** SQLite has no -0. */
const value = fc.double({ noNaN: true }).map((value) => value === 0 ? 0 : value);
const bytes = fc.uint8Array({ maxLength: 60 });

const PLAIN = { noNullPrototype: true };

const anySeries: fc.Arbitrary<SeriesState> = fc.record({
  count: fc.maxSafeNat(),
  sum: value,
  min: fc.option(value),
  max: fc.option(value),
  exact: bytes,
  window: bytes,
}, PLAIN);

const metrics = fc.uniqueArray(fc.record({ name: text, series: anySeries }, PLAIN), {
  maxLength: 4,
  selector: ({ name }) => name,
});

const anyDevice: fc.Arbitrary<DeviceState> = fc.record({
  tenant: text,
  device: text,
  lastSeen: text,
  lastSeenMs: fc.oneof(fc.constant(-Infinity), value),
  results: fc.maxSafeNat(),
  lastProcessed: fc.option(value),
  lastScore: fc.option(value),
  journalId: fc.maxSafeNat(),
  temperature: anySeries,
  humidity: anySeries,
  metrics,
}, PLAIN);

Deno.test("a device comes back as it was saved last, metrics in their order", () => {
  using folder = tempFolder();
  const store = open(folder.path);
  fc.assert(fc.property(anyDevice, anyDevice, (first, other) => {
    const second = { ...other, tenant: first.tenant, device: first.device };
    store.transact((tx) => tx.saveDevice(first));
    assert.deepEqual(store.devices.load(first.tenant, first.device), first);
    store.transact((tx) => tx.saveDevice(second));
    assert.deepEqual(store.devices.load(first.tenant, first.device), second);
  }));
  store.close();
});

Deno.test("windows of 4 KiB come back as they were saved", () => {
  using folder = tempFolder();
  const store = open(folder.path);
  const large = { ...series(3), window: new Uint8Array(4096).map((_, i) => i) };
  const saved = device("a", { temperature: large, metrics: [{ name: "m", series: large }] });
  store.transact((tx) => tx.saveDevice(saved));
  assert.deepEqual(store.devices.load("default", "a"), saved);
  store.close();
});

Deno.test("summaries come in steps, smaller ones where windows are long, each device once", () => {
  using folder = tempFolder();
  const store = open(folder.path);
  const long = { ...series(3), window: new Uint8Array(3 << 20) };
  const saved = Array.from(
    { length: 9 },
    (_, i) =>
      device(`d${9 - i}`, { results: i, lastScore: i, ...(i < 4 ? { temperature: long } : {}) }),
  );
  store.transact((tx) => {
    for (const state of saved) tx.saveDevice(state);
  });
  store.transact((tx) => tx.saveDevice(saved[0]));
  const steps: number[] = [];
  const found = [];
  for (let after = 0;;) {
    const step = store.devices.summaries(after, 4);
    if (step.length === 0) break;
    steps.push(step.length);
    found.push(...step);
    after = step.at(-1)!.number;
  }
  assert.deepEqual(steps, [2, 2, 4, 1]);
  assert.deepEqual(
    found.map(({ number: _, ...rest }) => rest),
    saved.map(({ tenant, device, lastSeenMs, results, lastProcessed, lastScore }) => ({
      ...{ tenant, device, lastSeenMs, results, lastProcessed, lastScore },
    })),
  );
  store.close();
});

Deno.test("the global statistics come back as they were saved last", () => {
  using folder = tempFolder();
  const store = open(folder.path);
  assert.equal(store.devices.loadGlobal(), undefined);
  const state = fc.record({
    journalId: fc.maxSafeNat(),
    lastProcessed: fc.maxSafeNat(),
    temperature: anySeries,
    humidity: anySeries,
    metrics,
  }, PLAIN);
  fc.assert(fc.property(state, (state) => {
    store.transact((tx) => tx.saveGlobal(state));
    assert.deepEqual(store.devices.loadGlobal(), state);
  }));
  store.close();
});

Deno.test("devices are listed in code point order, page by page, of all tenants or of one", () => {
  const key = fc.record({
    tenant: fc.constantFrom("", "a", "b", "\u{ffff}", "\u{10000}"),
    device: fc.string({ unit: "binary", maxLength: 3 }),
  });
  fc.assert(
    fc.property(fc.array(key, { maxLength: 30 }), fc.integer({ min: 1, max: 7 }), (keys, limit) => {
      using folder = tempFolder();
      const store = open(folder.path);
      store.transact((tx) => keys.forEach((key) => tx.saveDevice(device(key.device, key))));
      const names = new Set(keys.map(({ tenant, device }) => JSON.stringify([tenant, device])));
      const sorted = [...names].map((name) => JSON.parse(name) as [string, string]).sort(
        (a, b) => byCodePoint(a[0], b[0]) || byCodePoint(a[1], b[1]),
      );
      assert.equal(store.devices.count(), sorted.length);
      for (const tenant of [undefined, "a", "\u{10000}", "none"]) {
        const listed: [string, string][] = [];
        let after: { tenant: string; device: string } | undefined;
        for (;;) {
          const page = store.devices.page({ after, tenant, limit });
          for (const { tenant, device, shared } of page) {
            listed.push([tenant, device]);
            const others = sorted.filter(([other, name]) => name === device && other !== tenant);
            assert.equal(shared, others.length > 0, JSON.stringify([tenant, device]));
          }
          if (page.length < limit) break;
          after = page.at(-1);
        }
        const wanted = sorted.filter(([name]) => tenant === undefined || name === tenant);
        assert.deepEqual(listed, wanted);
      }
      for (const device of new Set(keys.map((key) => key.device))) {
        const tenants = sorted.filter(([, name]) => name === device).map(([tenant]) => tenant);
        assert.deepEqual(store.devices.tenantsOf(device), tenants);
      }
      store.close();
    }),
    { numRuns: 25 },
  );
});

Deno.test("a page after a device of another tenant begins with what comes after it", () => {
  using folder = tempFolder();
  const store = open(folder.path);
  store.transact((tx) => {
    for (const tenant of ["a", "b", "c"]) tx.saveDevice(device("m", { tenant }));
  });
  const page = (after: string) =>
    store.devices.page({ after: { tenant: after, device: "z" }, tenant: "b", limit: 9 });
  assert.deepEqual(page("a"), [{ tenant: "b", device: "m", shared: true }]);
  assert.deepEqual(page("b"), []);
  assert.deepEqual(page("c"), []);
  store.close();
});

Deno.test("what isn't there is undefined or empty", () => {
  using folder = tempFolder();
  const store = open(folder.path);
  store.transact((tx) =>
    tx.saveDevice(device("a", { metrics: [{ name: "m", series: series(1) }] }))
  );
  assert.equal(store.devices.load("other", "a"), undefined);
  assert.equal(store.devices.load("default", "A"), undefined);
  assert.deepEqual(store.devices.tenantsOf("b"), []);
  store.close();
});

/** UTF-8's byte order is the code points' order; UTF-16's isn't. */
function byCodePoint(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

Deno.test("with tenants given there are no others: pages as if only their devices were stored", () => {
  const name = fc.constantFrom("a", "b", "\u{10000}", "\uffff", "", "a/b");
  const keys = fc.uniqueArray(fc.record({ tenant: name, device: name }, PLAIN), {
    selector: ({ tenant, device }) => JSON.stringify([tenant, device]),
  });
  const options = fc.record({ tenant: name, limit: fc.integer({ min: 1, max: 4 }) }, {
    requiredKeys: ["limit"],
  });
  fc.assert(
    fc.property(keys, fc.uniqueArray(name), options, (keys, names, options) => {
      using folder = tempFolder();
      using alone = tempFolder();
      const tenants = new Set(names);
      const [all, theirs] = [open(folder.path), open(alone.path)];
      for (const { tenant, device: id } of keys) {
        const saved = { ...device(id), tenant };
        all.transact((tx) => tx.saveDevice(saved));
        if (tenants.has(tenant)) theirs.transact((tx) => tx.saveDevice(saved));
      }
      // From every device on, those of others included.
      for (const after of [undefined, { tenant: "a", device: "" }, ...keys]) {
        assert.deepEqual(
          all.devices.page({ ...options, after, tenants }),
          theirs.devices.page({ ...options, after }),
        );
      }
      all.close();
      theirs.close();
    }),
    { numRuns: 60 },
  );
});
