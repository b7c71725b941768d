import assert from "node:assert/strict";
import { backlogLimits } from "../../src/config/backlog_settings.ts";
import { configWarnings, type Environment, readConfig } from "../../src/config/config.ts";
import { parseDocumentText } from "../../src/config/document.ts";
import { ConfigFaults } from "../../src/config/faults.ts";
import { settings } from "../../src/config/settings.ts";
import { lookupIn } from "../../src/config/tenants.ts";

const noFiles = {
  read(path: string): string {
    throw new Error(`no file ${path}`);
  },
  parse: parseDocumentText,
};

function read(env: Environment) {
  return readConfig(env, noFiles);
}

/** The faults as `NAME: message`. */
function faults(env: Environment): string[] {
  try {
    read(env);
  } catch (error) {
    assert.ok(error instanceof ConfigFaults);
    return error.list.map(({ name, message }) => `${name}: ${message}`);
  }
  return [];
}

Deno.test("an empty environment gives the contract's defaults", () => {
  const { tenants, kafkaSecurity, tls, ...values } = read({});
  assert.deepEqual(kafkaSecurity, {});
  assert.equal(tls, undefined);
  assert.deepEqual(values, {
    mode: "normal",
    brokers: ["localhost:9092"],
    kafkaEnabled: true,
    inputTopic: "sensor-data",
    outputTopic: "processed-data",
    group: "plumbline",
    openTelemetry: false,
    outOfRange: "earliest",
    kafkaClient: "platformatic",
    outputDelivery: "",
    kafkaSecurityProtocol: "PLAINTEXT",
    kafkaSaslMechanism: "",
    kafkaSaslUsername: "",
    kafkaSaslPassword: "",
    kafkaSaslPasswordFile: "",
    kafkaSslCaFile: "",
    kafkaSslCertFile: "",
    kafkaSslKeyFile: "",
    kafkaSslKeyPassword: "",
    port: 8000,
    host: "127.0.0.1",
    streamMaxReaders: 100,
    allowAnonymous: false,
    metricsPublic: false,
    maxConnections: 1000,
    tlsCert: "",
    tlsKey: "",
    storageUrl: "",
    storageConcurrency: 16,
    storageTimeoutMs: 10_000,
    maxReadings: 100,
    maxReadingBytes: 1_048_576,
    maxBatchBytes: 16_777_216,
    fleetMaxBytes: 268_435_456,
    backlogMaxBytes: 4_294_967_296,
    backlogMaxAge: Infinity,
    backlogPolicy: "block",
    outputBacklogMaxBytes: "",
    outputBacklogMaxAge: "",
    outputBacklogPolicy: "",
    storageBacklogMaxBytes: "",
    storageBacklogMaxAge: "",
    storageBacklogPolicy: "",
    deadLettersMaxCount: 100_000,
    deadLettersMaxBytes: 256 * 1024 ** 2,
    deadLettersMaxAge: 30,
    deadLetterTopic: "",
    anomaliesMaxCount: 100_000,
    anomaliesMaxAge: 30,
    discardBacklog: [],
    damagedStart: "committed",
    dataDir: "./data",
    tenantsFile: "",
    logLevel: "info",
    debug: false,
  });
  assert.equal(lookupIn(tenants)("anyone")!.threshold, 2);
});

Deno.test("every default is one that the setting itself takes", () => {
  for (const setting of Object.values(settings)) {
    assert.doesNotThrow(() => setting.parse(setting.default), setting.name);
  }
});

Deno.test("the configuration is frozen", () => {
  const config = read({ KAFKA_BROKER: "a:1,b:2" });
  assert.throws(() => Object.assign(config, { port: 1 }), TypeError);
  assert.throws(() => (config.brokers as string[]).push("c:3"), TypeError);
  assert.throws(() => Object.assign(config.tenants.defaults, { sampling: 0 }), TypeError);
});

Deno.test("both old engines' names work", () => {
  const config = read({ KAFKA_TOPIC: "in", KAFKA_GROUP: "g", PORT: "5001" });
  assert.equal(config.inputTopic, "in");
  assert.equal(config.group, "g");
  assert.equal(config.port, 5001);
  assert.equal(read({ PORT: "5001", METRICS_PORT: "5001" }).port, 5001);
  assert.equal(read({ PORT: "5001", METRICS_PORT: "" }).port, 5001);
});

Deno.test("an old and a new name that disagree are a fault", () => {
  assert.deepEqual(faults({ KAFKA_TOPIC: "a", INPUT_TOPIC: "b", PORT: "1", METRICS_PORT: "2" }), [
    'INPUT_TOPIC: and KAFKA_TOPIC="a" disagree',
    'METRICS_PORT: and PORT="1" disagree',
  ]);
});

Deno.test("a fault carries the name that was written", () => {
  assert.deepEqual(faults({ PORT: "no" }), ["PORT: is no whole number"]);
});

Deno.test("every fault is reported at once, with value and what is allowed", () => {
  const env = {
    KAFKA_BROKER: "localhost",
    KAFKA_ENABLED: "yes",
    INPUT_TOPIC: "a topic",
    OUTPUT_TOPIC: "..",
    METRICS_PORT: "65536",
    STORAGE_SERVICE_URL: "ftp://x",
    MAX_READINGS: "0",
    MAX_READING_BYTES: "1MB",
    STORAGE_CONCURRENCY: "-1",
    DISCARD_BACKLOG: "kafka",
    TENANTS_FILE: "gone.json",
    PLUMBLINE_PROT: "1",
  };
  assert.deepEqual(faults(env), [
    'KAFKA_BROKER: has "localhost", which is no host:port',
    "KAFKA_ENABLED: is neither true nor false",
    'INPUT_TOPIC: has the character " "',
    "OUTPUT_TOPIC: is a reserved name",
    "METRICS_PORT: is above 65535",
    "STORAGE_SERVICE_URL: has the scheme ftp",
    "STORAGE_CONCURRENCY: is no whole number",
    "MAX_READINGS: is below 1",
    "MAX_READING_BYTES: is no size",
    'DISCARD_BACKLOG: names "kafka", which is no sink',
    "TENANTS_FILE: can't be read: no file gone.json",
    "PLUMBLINE_PROT: is no setting",
  ]);
  assert.throws(() => read(env), {
    message: /^reading the settings: 12 wrong\nKAFKA_BROKER="localhost" has .*; allowed: host:port/,
  });
});

Deno.test("booleans in any case", () => {
  assert.equal(read({ KAFKA_ENABLED: "FALSE" }).kafkaEnabled, false);
  assert.equal(read({ DEBUG: "True" }).debug, true);
  assert.equal(read({ LOG_LEVEL: "WARN" }).logLevel, "warn");
});

Deno.test("sizes in bytes and binary units, within their bounds", () => {
  assert.equal(read({ MAX_READING_BYTES: "2048" }).maxReadingBytes, 2048);
  assert.equal(read({ MAX_READING_BYTES: "2 KiB" }).maxReadingBytes, 2048);
  assert.equal(read({ FLEET_MAX_BYTES: "1GiB" }).fleetMaxBytes, 2 ** 30);
  assert.equal(read({ MAX_READING_BYTES: "1024" }).maxReadingBytes, 1024);
  assert.deepEqual(faults({ MAX_READING_BYTES: "1023" }), [
    "MAX_READING_BYTES: is below 1024 bytes",
  ]);
  assert.deepEqual(faults({ FLEET_MAX_BYTES: "1025GiB" }), [
    "FLEET_MAX_BYTES: is above 1099511627776 bytes",
  ]);
  assert.equal(faults({ FLEET_MAX_BYTES: "1e9" }).length, 1);
});

Deno.test("an empty OUTPUT_TOPIC is no output; other empty variables are as if not set", () => {
  assert.equal(read({ OUTPUT_TOPIC: "" }).outputTopic, "");
  assert.equal(read({ INPUT_TOPIC: "", MAX_READINGS: " " }).inputTopic, "sensor-data");
});

Deno.test("the output topic can't be the input topic", () => {
  assert.deepEqual(faults({ INPUT_TOPIC: "t", OUTPUT_TOPIC: "t" }), [
    "OUTPUT_TOPIC: is the input topic: results would be read as readings",
  ]);
});

Deno.test("brokers: lists, IPv6, ports", () => {
  const brokers = (text: string) => read({ KAFKA_BROKER: text }).brokers;
  assert.deepEqual(brokers(" a:1, b.c-d:65535 ,a:1"), ["a:1", "b.c-d:65535"]);
  assert.deepEqual(brokers("[::1]:9092"), ["[::1]:9092"]);
  for (const wrong of [",", "a:0", "a:65536", "::1:9092", "a:1:2", "http://a:1"]) {
    assert.equal(faults({ KAFKA_BROKER: wrong }).length, 1, wrong);
  }
});

Deno.test("an address that others can reach needs tokens, or ALLOW_ANONYMOUS", () => {
  for (const host of ["127.0.0.1", "127.1.2.3", "localhost", "::1", "[::1]"]) {
    assert.deepEqual(faults({ HOST: host }), [], host);
  }
  for (const host of ["0.0.0.0", "::", "10.0.0.1", "example.org", "127.0.0.1.example.org"]) {
    assert.deepEqual(faults({ HOST: host }), [
      "HOST: can be reached from other machines, and there is no token in TENANTS_FILE",
    ], host);
    assert.equal(read({ HOST: host, ALLOW_ANONYMOUS: "true" }).host, host);
  }
});

Deno.test("the storage service's address", () => {
  const url = (text: string) => read({ STORAGE_SERVICE_URL: text }).storageUrl;
  assert.equal(url("http://storage:5002/"), "http://storage:5002");
  assert.equal(url("https://h/a/b//"), "https://h/a/b");
  for (const wrong of ["storage:5002", "http://", "http://u:p@h", "http://h/?a=1", "http://h/#a"]) {
    assert.equal(faults({ STORAGE_SERVICE_URL: wrong }).length, 1, wrong);
  }
});

Deno.test("a password in an address doesn't get into the message", () => {
  assert.throws(() => read({ STORAGE_SERVICE_URL: "http://u:secret@h" }), (error: Error) => {
    return !error.message.includes("secret");
  });
});

Deno.test("unknown PLUMBLINE_ names, with the near miss", () => {
  const allowed = (env: Environment) => {
    try {
      read(env);
    } catch (error) {
      return (error as ConfigFaults).list.map((it) => it.allowed);
    }
  };
  assert.deepEqual(
    allowed({ PLUMBLINE_MAX_READING: "5", PLUMBLINE_DATADIR: "x", PLUMBLINE_COLOUR: "red" }),
    [
      "of the names that begin with PLUMBLINE_ only PLUMBLINE_TOKEN, PLUMBLINE_TOKEN_FILE, PLUMBLINE_URL, PLUMBLINE_CA_FILE",
      "did you mean DATA_DIR?",
      "did you mean MAX_READINGS?",
    ],
  );
});

Deno.test("variables that Kubernetes makes of a service's name are no faults", () => {
  const env = {
    PLUMBLINE_SERVICE_HOST: "10.0.0.1",
    PLUMBLINE_SERVICE_PORT: "8000",
    PLUMBLINE_API_SERVICE_PORT_HTTP: "8000",
    PLUMBLINE_PORT: "tcp://10.0.0.1:8000",
    PLUMBLINE_PORT_8000_TCP: "tcp://10.0.0.1:8000",
    PLUMBLINE_PORT_8000_TCP_ADDR: "10.0.0.1",
  };
  assert.deepEqual(faults(env), []);
  assert.deepEqual(faults({ PLUMBLINE_PORT: "8000" }), ["PLUMBLINE_PORT: is no setting"]);
});

Deno.test("both sinks on: a warning", () => {
  const storage = { STORAGE_SERVICE_URL: "http://s" };
  assert.equal(configWarnings(read(storage)).length, 1);
  assert.equal(configWarnings(read({})).length, 0);
  assert.equal(configWarnings(read({ ...storage, OUTPUT_TOPIC: "" })).length, 0);
  assert.equal(configWarnings(read({ ...storage, KAFKA_ENABLED: "false" })).length, 0);
});

Deno.test("DEAD_LETTER_TOPIC is neither the input nor the output topic", () => {
  assert.deepEqual(faults({ DEAD_LETTER_TOPIC: "sensor-data" }), [
    "DEAD_LETTER_TOPIC: is the input topic",
  ]);
  assert.deepEqual(faults({ DEAD_LETTER_TOPIC: "out", OUTPUT_TOPIC: "out" }), [
    "DEAD_LETTER_TOPIC: is the output topic",
  ]);
  assert.equal(read({ DEAD_LETTER_TOPIC: "dead", OUTPUT_TOPIC: "" }).deadLetterTopic, "dead");
});

Deno.test("a backlog's limits hold for both sinks; a sink's own take their place", () => {
  const config = read({
    BACKLOG_MAX_BYTES: "1GiB",
    BACKLOG_MAX_AGE: "12h",
    STORAGE_BACKLOG_MAX_BYTES: "16MiB",
    STORAGE_BACKLOG_MAX_AGE: "0",
    STORAGE_BACKLOG_POLICY: "DROP_OLDEST",
    OUTPUT_BACKLOG_POLICY: "",
  });
  assert.deepEqual(backlogLimits(config, "output"), {
    maxBytes: 2 ** 30,
    maxAgeMs: 43_200_000,
    policy: "block",
  });
  assert.deepEqual(backlogLimits(config, "storage"), {
    maxBytes: 2 ** 24,
    maxAgeMs: Infinity,
    policy: "drop_oldest",
  });
  assert.deepEqual(
    faults({ BACKLOG_POLICY: "drop", BACKLOG_MAX_AGE: "1 week", OUTPUT_BACKLOG_MAX_AGE: "9999d" }),
    [
      "BACKLOG_MAX_AGE: is no time",
      "BACKLOG_POLICY: is no policy",
      "OUTPUT_BACKLOG_MAX_AGE: is above 315360000000 ms",
    ],
  );
});
