import assert from "node:assert/strict";
import { configWarnings, readConfig } from "../../src/config/config.ts";
import { parseDocumentText } from "../../src/config/document.ts";
import { ConfigFaults } from "../../src/config/faults.ts";
import { TenantsFile } from "../../src/config/tenants_file.ts";

const HASH = `sha256:${"0a".repeat(32)}`;
const OTHER = `sha256:${"0b".repeat(32)}`;
const TOKEN = `plumb_${"s3cret".repeat(7)}`;

const reader = { name: "reader", hash: HASH, scopes: ["read"] };

function config(file: unknown, env: Record<string, string> = {}) {
  const text = typeof file === "string" ? file : JSON.stringify(file);
  const files = { read: () => text, parse: parseDocumentText };
  return readConfig({ TENANTS_FILE: "tenants.json", ...env }, files);
}

function faults(file: unknown, env?: Record<string, string>): string[] {
  try {
    config(file, env);
    return [];
  } catch (error) {
    assert.ok(error instanceof ConfigFaults);
    return error.list.map(({ name, message }) => `${name}: ${message}`);
  }
}

Deno.test("tokens have a name, a hash, scopes and perhaps tenants", () => {
  const { tokens } = config({
    tokens: [reader, {
      name: "x",
      hash: OTHER,
      scopes: ["write", "admin"],
      tenants: ["a", "__proto__"],
    }],
  }).tenants;
  assert.deepEqual(tokens, [
    { name: "reader", hash: new Uint8Array(32).fill(10), scopes: new Set(["read"]), tenants: null },
    {
      name: "x",
      hash: new Uint8Array(32).fill(11),
      scopes: new Set(["write", "admin"]),
      tenants: new Set(["a", "__proto__"]),
    },
  ]);
  assert.deepEqual(config({}).tenants.tokens, []);
});

Deno.test("every fault at once with its path, and nothing of what may be a token", () => {
  const found = faults({
    tenants: { acme: { threshold: -1 } },
    tokens: [
      { name: "a b", hash: TOKEN, scopes: [] },
      { name: "c", hash: HASH.toUpperCase(), scopes: ["all"], tenants: [] },
      { name: "d", hash: HASH, scopes: "read", tenants: [""], token: TOKEN },
      { [TOKEN]: 1 },
      TOKEN,
    ],
  });
  const hash =
    "expected sha256: and 64 hex digits, as `plumbline token new` prints them (not the token)";
  const scopes = "expected a list of read, write and admin, at least one";
  assert.deepEqual(found.map((it) => it.replace("TENANTS_FILE: ", "")), [
    "tenants.acme.threshold: expected a number of 0 or above, got -1",
    "tokens[0].name: expected a name of 1 to 64 letters, digits, _, . or -",
    `tokens[0].hash: ${hash}`,
    `tokens[0].scopes: ${scopes}`,
    `tokens[1].hash: ${hash}`,
    "tokens[1].scopes[0]: expected read, write or admin",
    "tokens[1].tenants: expected a list of tenants' names, at least one; left out: everybody's data",
    `tokens[2].scopes: ${scopes}`,
    "tokens[2].tenants[0]: expected a tenant's name",
    "tokens[2].token: unknown",
    "tokens[3].name: expected a name of 1 to 64 letters, digits, _, . or -",
    `tokens[3].hash: ${hash}`,
    `tokens[3].scopes: ${scopes}`,
    "tokens[3].plumb_…: unknown",
    "tokens[4]: expected an object",
  ]);
  assert.deepEqual(faults({ tokens: {} }), ["TENANTS_FILE: tokens: expected a list"]);
});

Deno.test("two tokens with one name or one hash", () => {
  const file = { tokens: [reader, { ...reader, hash: OTHER }, { ...reader, name: "x" }] };
  assert.deepEqual(faults(file), [
    "TENANTS_FILE: tokens[1].name: the same as tokens[0].name",
    "TENANTS_FILE: tokens[2].hash: the same as tokens[0].hash",
  ]);
});

Deno.test("a token where something else belongs isn't shown", () => {
  for (
    const file of [
      TOKEN,
      `"${TOKEN}"`,
      [TOKEN],
      { tenants: TOKEN },
      { tenants: { acme: TOKEN } },
      { [TOKEN]: 1 },
      { unknown_tenants: TOKEN },
      `a: {${TOKEN}: 1, ${TOKEN}: 2}`,
    ]
  ) {
    const found = faults(file);
    assert.ok(found.length > 0, String(file));
    assert.doesNotMatch(found.join("\n"), /s3cret/);
  }
});

Deno.test("with tokens other machines may reach it; without, loopback alone", () => {
  for (const host of ["0.0.0.0", "::", "10.0.0.1", "example.org"]) {
    assert.deepEqual(faults({ tokens: [reader] }, { HOST: host }), [], host);
    for (const file of [{}, { tokens: [] }]) {
      assert.deepEqual(faults(file, { HOST: host }), [
        "HOST: can be reached from other machines, and there is no token in TENANTS_FILE",
      ]);
      assert.deepEqual(faults(file, { HOST: host, ALLOW_ANONYMOUS: "true" }), []);
    }
  }
  // What is wrong in the file is told, not what might follow from it.
  assert.equal(faults({ tokens: [{}] }, { HOST: "0.0.0.0" }).length, 3);
});

Deno.test("settings that do nothing, or leave something open, are warned of", () => {
  const warnings = (file: unknown, env: Record<string, string>) =>
    configWarnings(config(file, { ...env, KAFKA_ENABLED: "false" }));
  const some = { tokens: [reader] };
  assert.deepEqual(warnings(some, {}), []);
  assert.deepEqual(warnings({}, {}), []);
  assert.match(warnings(some, { ALLOW_ANONYMOUS: "true" })[0], /has no effect: .* has tokens$/);
  assert.match(warnings({}, { HOST: "::", ALLOW_ANONYMOUS: "true" })[0], /everybody who can reach/);
  assert.match(warnings(some, { HOST: "::" })[0], /go over the network as they are: TLS_CERT/);
  assert.match(warnings({}, { METRICS_PUBLIC: "true" })[0], /has no effect: .* has no tokens$/);
});

Deno.test("reloaded: the last token may go on loopback, which is told, and nowhere else", () => {
  let text = JSON.stringify({ tokens: [reader] });
  const files = { read: () => text, parse: parseDocumentText, stamp: () => "" };
  const open = (host: string) => {
    const { tenants } = readConfig({ TENANTS_FILE: "x", HOST: host }, files);
    return new TenantsFile("x", { files, tenants, address: { host, allowAnonymous: false } });
  };
  const [near, far] = [open("127.0.0.1"), open("0.0.0.0")];
  text = JSON.stringify({ tokens: [{ ...reader, name: "new" }] });
  for (const file of [near, far]) {
    const read = file.read();
    assert.ok("use" in read);
    assert.deepEqual(read.warnings, []);
    assert.equal(file.tenants.tokens[0].name, "reader", "not before it is used");
    read.use();
    assert.equal(file.tenants.tokens[0].name, "new");
  }
  text = "{}";
  const read = near.read();
  assert.ok("use" in read);
  assert.match(read.warnings[0], /there are no tokens any more/);
  assert.deepEqual(far.read(), {
    faults: ["tokens: expected at least one, HOST=0.0.0.0 can be reached from other machines"],
  });
});
