import assert from "node:assert/strict";
import fc from "fast-check";
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

Deno.test("what MODE=shadow makes of other settings is shown as it holds", () => {
  const env = { MODE: "shadow", OUTPUT_TOPIC: "out", STORAGE_SERVICE_URL: "http://storage" };
  const text = findingsText(findings(env));
  assert.match(text, /^OUTPUT_TOPIC +out\.shadow \(out\) +environment$/m);
  assert.match(text, /^CONSUMER_GROUP +plumbline\.shadow \(plumbline\) +default$/m);
  assert.match(text, /^STORAGE_SERVICE_URL +"" \(http:\/\/storage\) +environment$/m);
  assert.doesNotMatch(text, /stores each twice/);
  assert.equal(setting("OUTPUT_TOPIC", env)?.value, "out.shadow");
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

Deno.test("no part of a secret in an address is shown, wherever it stands and whatever is in it", () => {
  // Letters that occur in no other text; what lies between them may be anything.
  const piece = fc.string({ unit: "binary", maxLength: 8 }).filter((it) => it.isWellFormed());
  const secret = fc.array(piece, { maxLength: 3 }).map((it) => `ЖЖ${it.join("ЖЖ")}ЖЖ`);
  const place = fc.constantFrom<(secret: string) => string>(
    (it) => `http://h/?token=${it}`,
    (it) => `http://h/#${it}`,
    (it) => `http://h?a=1&b=${it}&c=2`,
    (it) => `http://user:${it}@h/`,
    (it) => `h:9092/?token=${it}`,
    (it) => `http://user:${it}@h/?token=${it}#${it}`,
  );
  const name = fc.constantFrom(
    ...["STORAGE_SERVICE_URL", "KAFKA_BROKER", "HOST", "KAFKA_GROUP", "CONSUMER_GROUP"],
    ...["PLUMBLINE_API_URL", "MAX_READINGS", "INPUT_TOPIC"],
  );
  fc.assert(fc.property(name, place, secret, (name, place, secret) => {
    const value = place(secret);
    if (!value.includes("://") && !/URL|HOST|BROKER/.test(name)) return;
    const found = findings({ [name]: value, KAFKA_TOPIC: "http://h/?token=ЖЖ" });
    assert.doesNotMatch(findingsText(found) + JSON.stringify(found), /Ж|\\u0416/, value);
  }));
  assert.match(
    findingsText(findings({ STORAGE_SERVICE_URL: "http://h/?token=sekret4" })),
    /^ {2}STORAGE_SERVICE_URL="http:\/\/h\/\?…" has a query or fragment; allowed/m,
  );
});

Deno.test("names that are a slip away from a setting's are warned of", () => {
  const env = { METRICS_PROT: "1", KAFKA_BROKERS: "x", MAX_READING: "5", LOGLEVEL: "debug" };
  const found = findings(env);
  assert.ok(found.ok);
  assert.deepEqual(found.warnings, [
    "KAFKA_BROKERS is no setting and does nothing here; did you mean KAFKA_BROKER?",
    "LOGLEVEL is no setting and does nothing here; did you mean LOG_LEVEL?",
    "MAX_READING is no setting and does nothing here; did you mean MAX_READINGS?",
    "METRICS_PROT is no setting and does nothing here; did you mean METRICS_PORT?",
  ]);
  const wrong = findings({ ...env, HOST: "?" });
  assert.equal(wrong.warnings.length, 4);
});

Deno.test("other programs' names are no warning, nor one beside the setting itself", () => {
  const names = [
    ...["PATH", "HOME", "HOSTNAME", "HOSTS", "PORTS", "DEBUGS", "LANG", "TERM", "SHELL", "USER"],
    ...["KAFKA_HOME", "KAFKA_OPTS", "KAFKA_BROKER_ID", "KAFKA_ADVERTISED_LISTENERS", "KAFKA_PORT"],
    ...["KAFKA_BROKER_SERVICE_HOST", "KAFKA_BROKER_PORT", "KAFKA_CREATE_TOPICS", "KAFKA_VERSION"],
    ...["METRICS_PORT_8000_TCP", "METRICS_SERVICE_PORT", "STORAGE_SERVICE_HOST", "LOG_DIR"],
    ...["XDG_DATA_DIRS", "DENO_DIR", "NODE_ENV", "POSTGRES_HOST", "SPRING_KAFKA_BOOTSTRAP_SERVERS"],
    ...["CONSUMER_GROUP_ID", "OUTPUT_TOPIC_NAME", "MAX_MEMORY", "LOG_FORMAT", "KAFKA_TOPIC_NAME"],
  ];
  const env = Object.fromEntries(names.map((name) => [name, "1"]));
  assert.deepEqual(findings(env).warnings, []);
  assert.deepEqual(findings({ KAFKA_BROKERS: "x", KAFKA_BROKER: "a:1" }).warnings, []);
  assert.deepEqual(findings({ CONSUMER_GROUPS: "x", KAFKA_GROUP: "a" }).warnings, []);
});

Deno.test("two names that disagree: what is wrong with each is told, too", () => {
  assert.deepEqual(findings({ METRICS_PORT: "abc", PORT: "99" }).faults, [
    'METRICS_PORT="abc" and PORT="99" disagree; METRICS_PORT is no whole number; allowed: ' +
    "one of the two, or the same in both: 0 to 65535; 0 is any free port",
  ]);
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
