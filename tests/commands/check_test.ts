import assert from "node:assert/strict";
import { parseDocumentText } from "../../src/config/document.ts";
import { checkedSetting, findingsOf, findingsText } from "../../src/commands/check.ts";
import { settings } from "../../src/config/settings.ts";

const TENANTS = JSON.stringify({
  defaults: { threshold: 1 },
  tenants: {
    one: { sampling: 0.5 },
    two: { detectors: [{ type: "range", metric: "pressure", max: 5, weight: 2 }] },
  },
});

function findings(env: Record<string, string>, file = TENANTS) {
  return findingsOf(env, { read: () => file, parse: parseDocumentText });
}

function setting(name: string, env: Record<string, string>) {
  return findings(env).settings.find((it) => it.name === name);
}

Deno.test("every setting is shown, with its value and where that comes from", () => {
  const names = findings({}).settings.map(({ name }) => name);
  assert.deepEqual(names, Object.values(settings).map(({ name }) => name));
  assert.deepEqual(
    [
      setting("CONSUMER_GROUP", {}),
      setting("CONSUMER_GROUP", { CONSUMER_GROUP: "mine" }),
      setting("CONSUMER_GROUP", { KAFKA_GROUP: "old" }),
      setting("FLEET_MAX_BYTES", { FLEET_MAX_BYTES: "2MiB" }),
      setting("MAX_READINGS", { MAX_READINGS: "many" }),
    ],
    [
      { name: "CONSUMER_GROUP", value: "plumbline", text: "plumbline", from: null },
      { name: "CONSUMER_GROUP", value: "mine", text: "mine", from: "CONSUMER_GROUP" },
      { name: "CONSUMER_GROUP", value: "old", text: "old", from: "KAFKA_GROUP" },
      { name: "FLEET_MAX_BYTES", value: 2_097_152, text: "2MiB", from: "FLEET_MAX_BYTES" },
      { name: "MAX_READINGS", value: null, text: "many", from: "MAX_READINGS" },
    ],
  );
});

Deno.test("the text says what is understood, and marks what is wrong", () => {
  const text = findingsText(findings({ KAFKA_GROUP: "old", MAX_READINGS: "many", HOST: "?" }));
  assert.match(text, /^CONSUMER_GROUP +old +old name KAFKA_GROUP$/m);
  assert.match(text, /^FLEET_MAX_BYTES +268435456 \(256MiB\) +default$/m);
  assert.match(text, /^MAX_READINGS +many +environment; WRONG$/m);
  assert.match(text, /^STORAGE_SERVICE_URL +"" +default$/m);
  assert.match(text, /\n\n2 things are wrong:\n {2}HOST=.*\n {2}MAX_READINGS="many" is no whole/);
  assert.match(findingsText(findings({})), /\n\nThe settings are right\.$/);
});

Deno.test("secrets are hidden, in values and in faults", () => {
  const found = findings({ PLUMBLINE_API_TOKEN: "hush", PLUMBLINE_DB_PASSWORD: "hush" });
  assert.equal(found.faults.length, 2);
  assert.doesNotMatch(findingsText(found) + JSON.stringify(found), /hush/);
  const long = `http://user:${"hush".repeat(60)}@storage/`;
  for (const url of ["http://user:hush@storage/", "http://user:hu@hush/@storage", long]) {
    const wrong = findings({ STORAGE_SERVICE_URL: url, KAFKA_BROKER: "me:hush@kafka:9092" });
    assert.equal(wrong.faults.length, 2);
    assert.doesNotMatch(findingsText(wrong) + JSON.stringify(wrong), /hush/);
  }
});

Deno.test("a setting that holds a secret is shown as set, but not what it is", () => {
  const setting = { ...settings.group, name: "ADMIN_TOKEN", oldName: undefined };
  const found = checkedSetting(setting, { ADMIN_TOKEN: "hush" });
  assert.deepEqual(found, {
    name: "ADMIN_TOKEN",
    value: null,
    text: "(hidden)",
    from: "ADMIN_TOKEN",
  });
  const text = findingsText({ ...findings({}), settings: [found] });
  assert.match(text, /^ADMIN_TOKEN {2}\(hidden\) {2}environment$/m);
});

Deno.test("the tenants' file is summarised", () => {
  const found = findings({ TENANTS_FILE: "tenants.json" });
  assert.equal(found.tenants?.defaults.threshold, 1);
  assert.deepEqual(Object.keys(found.tenants!.named), ["one", "two"]);
  assert.equal(found.tenants?.named.one.sampling, 0.5);
  const text = findingsText(found);
  assert.match(text, /^Tenants, from tenants\.json: 2 named$/m);
  assert.match(
    text,
    /^ {2}one +threshold 1 +sampling 0\.5 +range temperature 10\.\.30, range hum/m,
  );
  assert.match(text, /^ {2}two +threshold 1 +sampling 1 +range pressure \.\.5 weight 2$/m);
  assert.equal(findings({}).tenants, undefined);
  assert.equal(findings({ TENANTS_FILE: "tenants.json" }, "{").tenants, undefined);
});

Deno.test("of very many tenants only some are shown", () => {
  const tenants = Object.fromEntries(Array.from({ length: 25 }, (_, i) => [`t${i}`, {}]));
  const text = findingsText(findings({ TENANTS_FILE: "f" }, JSON.stringify({ tenants })));
  assert.match(text, /25 named/);
  assert.match(text, /^ {2}and 5 more$/m);
  assert.doesNotMatch(text, /^ {2}t20 /m);
});

Deno.test("both sinks at once are warned of", () => {
  const env = { STORAGE_SERVICE_URL: "http://storage" };
  assert.match(findingsText(findings(env)), /^Warning: .*OUTPUT_TOPIC.*STORAGE_SERVICE_URL/m);
  assert.deepEqual(findings({ ...env, OUTPUT_TOPIC: "" }).warnings, []);
});
