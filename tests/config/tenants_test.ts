import assert from "node:assert/strict";
import { parseDocumentText } from "../../src/config/document.ts";
import { ConfigFaults } from "../../src/config/faults.ts";
import { readConfig } from "../../src/config/config.ts";
import { tenantsJsonSchema } from "../../src/config/tenants_schema.ts";
import { lookupIn, type Tenants } from "../../src/config/tenants.ts";

function tenants(file: unknown): Tenants {
  const text = typeof file === "string" ? file : JSON.stringify(file);
  const files = { read: () => text, parse: parseDocumentText };
  return readConfig({ TENANTS_FILE: "tenants.json" }, files).tenants;
}

function lookup(file: unknown) {
  const settings = lookupIn(tenants(file));
  return (tenant: string) => settings(tenant)!;
}

function faults(file: unknown): string[] {
  try {
    lookup(file);
  } catch (error) {
    assert.ok(error instanceof ConfigFaults);
    assert.ok(error.list.every((it) => it.name === "TENANTS_FILE" && it.value === "tenants.json"));
    return error.list.map((it) => it.message);
  }
  return [];
}

const parity = [
  { type: "range", metric: "temperature", min: 10, max: 30, weight: 1 },
  { type: "range", metric: "humidity", min: 20, max: 80, weight: 1 },
];

Deno.test("an empty file gives every tenant the built-in settings", () => {
  assert.deepEqual(lookup({})("any"), { threshold: 2, sampling: 1, detectors: parity });
});

Deno.test("a tenant's own settings, else the defaults, else the built-in ones", () => {
  const own = [{ type: "range", metric: "pm2.5", max: 25 }];
  const settings = lookup({
    defaults: { threshold: 1.5 },
    tenants: { acme: { sampling: 0.25, detectors: own }, none: { detectors: [] } },
  });
  assert.deepEqual(settings("other"), { threshold: 1.5, sampling: 1, detectors: parity });
  assert.deepEqual(settings("acme"), {
    threshold: 1.5,
    sampling: 0.25,
    detectors: [{ type: "range", metric: "pm2.5", min: -Infinity, max: 25, weight: 1 }],
  });
  assert.deepEqual(settings("none").detectors, []);
});

Deno.test("detectors of the defaults replace the built-in ones", () => {
  const settings = lookup({ defaults: { detectors: [] }, tenants: { a: {} } });
  assert.deepEqual(settings("a").detectors, []);
});

Deno.test("names of Object's own are tenants like any other", () => {
  const settings = lookup(
    '{"tenants":{"__proto__":{"threshold":7},"constructor":{"threshold":8}}}',
  );
  assert.equal(settings("__proto__").threshold, 7);
  assert.equal(settings("constructor").threshold, 8);
  assert.equal(settings("toString").threshold, 2);
});

Deno.test("every fault at once, each with its path and value", () => {
  const file = `{
    "defaults": { "threshold": "2" },
    "tenants": {
      "acme": { "sampling": 1.5, "quota": 3, "max_readings": 0.5, "display_name": "", "detectors": [
        { "type": "range", "metric": "temperature", "min": 30, "max": "hot" },
        { "type": "range", "metric": "temperature", "min": 30, "max": 10 },
        { "type": "zscore", "metric": "2x" },
        { "type": "range", "metric": "humidity" },
        { "type": "range", "metric": "humidity", "min": 1, "weight": -1, "__proto__": 1 }
      ] },
      "a b": null,
      " ": {}
    },
    "tenant": {},
    "unknown_tenants": "drop"
  }`;
  assert.deepEqual(faults(file), [
    'unknown_tenants: expected "accept" or "reject", got "drop"',
    "tenant: unknown",
    'defaults.threshold: expected a finite number, got "2"',
    'tenants.acme.display_name: expected text of 1 to 256 characters without control characters, got ""',
    "tenants.acme.sampling: expected a number from 0 to 1, got 1.5",
    "tenants.acme.max_readings: expected a whole number from 1 to 100000, got 0.5",
    'tenants.acme.detectors[0].max: expected a finite number, got "hot"',
    "tenants.acme.detectors[1].max: expected a number of min or above, got 10",
    'tenants.acme.detectors[2].type: expected "range", got "zscore"',
    'tenants.acme.detectors[2].metric: expected a metric\'s name: a letter or underscore, then up to 63 letters, digits, _, . or -, got "2x"',
    'tenants.acme.detectors[3]: expected min, max or both, got {"type":"range","metric":"humidity"}',
    "tenants.acme.detectors[4].weight: expected a number of 0 or above, got -1",
    "tenants.acme.detectors[4].__proto__: unknown",
    "tenants.acme.quota: unknown",
    'tenants["a b"]: expected an object, got null',
    'tenants[" "]: expected a tenant\'s name of 1 to 256 characters without control characters',
  ]);
});

Deno.test("things that are no tenants file at all", () => {
  assert.deepEqual(faults("{"), [
    "neither JSON nor YAML: Flow map must end with a }, line 1, column 2",
  ]);
  assert.deepEqual(faults("tenants: {}\n---\ntenants: {}\n"), [
    "neither JSON nor YAML: expected one document, got another, line 2, column 1",
  ]);
  assert.deepEqual(faults("[]"), ["the file: expected an object, got []"]);
  assert.deepEqual(faults({ tenants: [] }), ["tenants: expected an object, got []"]);
  assert.deepEqual(faults({ defaults: null }), ["defaults: expected an object, got null"]);
  assert.deepEqual(faults('{"defaults":{"threshold":1e999}}'), [
    "defaults.threshold: expected a finite number, got Infinity",
  ]);
});

Deno.test("deploy/tenants.legacy.json has the old engines' built-in tenants", () => {
  const path = new URL("../../deploy/tenants.legacy.json", import.meta.url);
  const settings = lookup(Deno.readTextFileSync(path));
  assert.deepEqual(settings("tenant1"), { threshold: 3, sampling: 1, detectors: parity });
  assert.deepEqual(settings("tenant2"), { threshold: 2.5, sampling: 0.5, detectors: parity });
  assert.deepEqual(settings("default"), { threshold: 2, sampling: 1, detectors: parity });
});

Deno.test("YAML says the same as JSON", () => {
  const yaml = `
# one of them is louder
defaults: { threshold: 1.5, max_readings: 50 }
unknown_tenants: reject
tenants:
  acme:
    display_name: ACME Ltd.
    max_readings: 7
    detectors:
      - { type: range, metric: pm2.5, max: 25, weight: 0.5 }
  "007": {}
`;
  const json = {
    defaults: { threshold: 1.5, max_readings: 50 },
    unknown_tenants: "reject",
    tenants: {
      acme: {
        display_name: "ACME Ltd.",
        max_readings: 7,
        detectors: [{ type: "range", metric: "pm2.5", max: 25, weight: 0.5 }],
      },
      "007": {},
    },
  };
  const read = tenants(yaml);
  assert.deepEqual(read, tenants(json));
  assert.deepEqual([...read.named.keys()], ["acme", "007"]);
  assert.equal(read.named.get("acme")!.displayName, "ACME Ltd.");
  assert.equal(read.named.get("007")!.displayName, "007");
  assert.equal(lookupIn(read)("acme")!.maxReadings, 7);
  assert.equal(lookupIn(read)("007")!.maxReadings, 50);
  assert.equal(lookupIn(read)("other"), undefined);
});

Deno.test("a name that is given twice is a fault, with both lines", () => {
  const yaml = `tenants:
  acme: { threshold: 1 }
  other: { detectors: [{ type: range, metric: temperature, max: 1, max: 2 }] }
  acme: { threshold: 3 }
`;
  assert.deepEqual(faults(yaml), [
    "tenants.other.detectors[0].max: given twice, in line 3 and in line 3",
    "tenants.acme: given twice, in line 2 and in line 4",
  ]);
  assert.deepEqual(faults('{"tenants":{"a":{},\n"a":{}}}'), [
    "tenants.a: given twice, in line 1 and in line 2",
  ]);
});

Deno.test("aliases that would make a small file a huge value are a fault", () => {
  const levels = ["a", "b", "c", "d", "e", "f", "g", "h"];
  const lines = levels.map((name, i) =>
    i === 0 ? "a: &a [x,x,x,x,x,x,x,x]" : `${name}: &${name} [${`*${levels[i - 1]},`.repeat(8)}]`
  );
  assert.match(faults(lines.join("\n"))[0], /^can't be read: .*alias/i);
});

Deno.test("docs/tenants.schema.json is made from what the engine checks", () => {
  const schema = tenantsJsonSchema() as { properties: Record<string, unknown> };
  assert.deepEqual(Object.keys(schema.properties).sort(), [
    "$schema",
    "defaults",
    "tenants",
    "tokens",
    "unknown_tenants",
  ]);
  const page = new URL("../../docs/tenants.schema.json", import.meta.url);
  assert.deepEqual(JSON.parse(Deno.readTextFileSync(page)), schema, "run deno task docs");
});

Deno.test("quotas: each of them is a tenant's own, or the defaults'", () => {
  const settings = lookup({
    defaults: { quotas: { readings_per_second: 100, devices: 50 } },
    tenants: { small: { quotas: { devices: 5, backlog_share: 0.25, over: "dead_letter" } } },
  });
  assert.deepEqual(settings("any").quotas, { readingsPerSecond: 100, devices: 50, over: "drop" });
  assert.deepEqual(settings("small").quotas, {
    readingsPerSecond: 100,
    devices: 5,
    backlogShare: 0.25,
    over: "dead_letter",
  });
  const wrong = {
    readings_per_second: 0,
    burst: 1.5,
    devices: "5",
    backlog_share: 1.5,
    over: "refuse",
    a: 1,
  };
  assert.deepEqual(faults({ defaults: { quotas: wrong } }), [
    "defaults.quotas.readings_per_second: expected a number above 0, got 0",
    "defaults.quotas.burst: expected a whole number above 0, got 1.5",
    'defaults.quotas.devices: expected a whole number above 0, got "5"',
    "defaults.quotas.backlog_share: expected a number above 0, at most 1, got 1.5",
    'defaults.quotas.over: expected "drop" or "dead_letter", got "refuse"',
    "defaults.quotas.a: unknown",
  ]);
});
