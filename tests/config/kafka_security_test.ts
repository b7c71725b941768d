import assert from "node:assert/strict";
import { findingsOf, findingsText } from "../../src/commands/check.ts";
import { configWarnings, type Environment, readConfig } from "../../src/config/config.ts";
import { ConfigFaults } from "../../src/config/faults.ts";
import { openFiles } from "../../src/config/files.ts";
import { run } from "../../tools/kafka_jars.ts";
import { tempFolder } from "../harness/temp.ts";

const disk = await openFiles({});
const SASL = {
  KAFKA_SECURITY_PROTOCOL: "SASL_PLAINTEXT",
  KAFKA_SASL_USERNAME: "alice",
  KAFKA_SASL_PASSWORD: "hush",
};

function faults(env: Environment): string[] {
  try {
    readConfig(env, disk);
  } catch (error) {
    assert.ok(error instanceof ConfigFaults);
    return error.list.map(({ name, message }) => `${name}: ${message}`);
  }
  return [];
}

function security(env: Environment) {
  return readConfig(env, disk).kafkaSecurity;
}

/** A key, the same key encrypted, and a certificate of it; a second pair. */
async function pems(dir: string): Promise<Record<"key" | "locked" | "cert" | "other", string>> {
  const path = (name: string) => `${dir}/${name}.pem`;
  for (const [key, cert] of [["key", "cert"], ["other", "other-cert"]]) {
    await run("openssl", [
      ...["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test"],
      ...["-keyout", path(key), "-out", path(cert)],
    ]);
  }
  await run("openssl", [
    ...["pkcs8", "-topk8", "-in", path("key"), "-out", path("locked"), "-passout", "pass:hush"],
  ]);
  return { key: path("key"), locked: path("locked"), cert: path("cert"), other: path("other") };
}

Deno.test("without settings the brokers are spoken to plainly", () => {
  assert.deepEqual(security({}), {});
  assert.deepEqual(security({ KAFKA_SECURITY_PROTOCOL: "ssl" }), { tls: { ca: undefined } });
});

Deno.test("SASL: user and password, PLAIN unless told, the password from a file, too", () => {
  const sasl = { mechanism: "PLAIN", username: "alice", password: "hush" };
  assert.deepEqual(security(SASL), { sasl });
  assert.deepEqual(security({ ...SASL, KAFKA_SASL_MECHANISM: "scram-sha-512" }), {
    sasl: { ...sasl, mechanism: "SCRAM-SHA-512" },
  });
  using folder = tempFolder();
  const file = `${folder.path}/password`;
  Deno.writeTextFileSync(file, "from a file \n");
  const { KAFKA_SASL_PASSWORD: _, ...rest } = SASL;
  assert.equal(
    security({ ...rest, KAFKA_SASL_PASSWORD_FILE: file }).sasl?.password,
    "from a file ",
  );
});

Deno.test("combinations that make no sense are faults", () => {
  const NEEDED = "is needed with SASL, here or in KAFKA_SASL_PASSWORD_FILE";
  assert.deepEqual(faults({ KAFKA_SECURITY_PROTOCOL: "SASL_SSL" }), [
    "KAFKA_SASL_USERNAME: is needed with KAFKA_SECURITY_PROTOCOL=SASL_SSL",
    `KAFKA_SASL_PASSWORD: ${NEEDED}`,
  ]);
  assert.deepEqual(faults({ ...SASL, KAFKA_SECURITY_PROTOCOL: "SSL" }), [
    "KAFKA_SASL_USERNAME: has no effect with KAFKA_SECURITY_PROTOCOL=SSL",
    "KAFKA_SASL_PASSWORD: has no effect with KAFKA_SECURITY_PROTOCOL=SSL",
  ]);
  assert.deepEqual(faults({ KAFKA_SSL_CA_FILE: "ca.pem", KAFKA_SASL_MECHANISM: "PLAIN" }), [
    "KAFKA_SSL_CA_FILE: has no effect with KAFKA_SECURITY_PROTOCOL=PLAINTEXT",
    "KAFKA_SASL_MECHANISM: has no effect with KAFKA_SECURITY_PROTOCOL=PLAINTEXT",
  ]);
  assert.deepEqual(faults({ ...SASL, KAFKA_SASL_PASSWORD_FILE: "f" }), [
    "KAFKA_SASL_PASSWORD_FILE: and KAFKA_SASL_PASSWORD are both set",
  ]);
  assert.deepEqual(faults({ KAFKA_SECURITY_PROTOCOL: "TLS", KAFKA_SASL_MECHANISM: "GSSAPI" }), [
    "KAFKA_SECURITY_PROTOCOL: is none of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL",
    "KAFKA_SASL_MECHANISM: is none of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512",
  ]);
});

Deno.test("certificates and keys are read, opened and held against each other", async () => {
  using folder = tempFolder();
  const { key, locked, cert, other } = await pems(folder.path);
  const ssl = (more: Environment) => ({ KAFKA_SECURITY_PROTOCOL: "SSL", ...more });
  const own = ssl({ KAFKA_SSL_CERT_FILE: cert, KAFKA_SSL_KEY_FILE: key });
  assert.match(security(ssl({ KAFKA_SSL_CA_FILE: cert })).tls!.ca!, /^-+BEGIN CERTIFICATE/);
  assert.match(security(own).tls!.key!, /^-+BEGIN PRIVATE KEY/);
  const opened = { ...own, KAFKA_SSL_KEY_FILE: locked, KAFKA_SSL_KEY_PASSWORD: "hush" };
  assert.equal(security(opened).tls!.key, security(own).tls!.key);
  Deno.writeTextFileSync(`${folder.path}/text`, "no PEM");
  Deno.writeTextFileSync(
    `${folder.path}/damaged`,
    Deno.readTextFileSync(cert).replace(/\n.{10}/, "\n"),
  );
  const wrong: [Environment, RegExp][] = [
    [ssl({ KAFKA_SSL_CERT_FILE: cert }), /^KAFKA_SSL_KEY_FILE: is needed with/],
    [ssl({ KAFKA_SSL_KEY_FILE: key }), /^KAFKA_SSL_CERT_FILE: is needed with/],
    [ssl({ KAFKA_SSL_KEY_PASSWORD: "x" }), /^KAFKA_SSL_KEY_PASSWORD: is set, but no/],
    [{ ...own, KAFKA_SSL_KEY_FILE: other }, /isn't the key of the first certificate/],
    [{ ...own, KAFKA_SSL_KEY_FILE: locked }, /is encrypted: KAFKA_SSL_KEY_PASSWORD is needed/],
    [{ ...opened, KAFKA_SSL_KEY_PASSWORD: "no" }, /doesn't open with KAFKA_SSL_KEY_PASSWORD/],
    [{ ...own, KAFKA_SSL_KEY_FILE: cert }, /holds no private key/],
    [ssl({ KAFKA_SSL_CA_FILE: `${folder.path}/text` }), /holds no certificate/],
    [ssl({ KAFKA_SSL_CA_FILE: `${folder.path}/damaged` }), /has a damaged certificate/],
    [
      ssl({ KAFKA_SSL_CA_FILE: `${folder.path}/gone` }),
      /^KAFKA_SSL_CA_FILE: can't be read: No such/,
    ],
  ];
  for (const [env, fault] of wrong) {
    const found = faults(env);
    assert.equal(found.length, 1, found.join("\n"));
    assert.match(found[0], fault);
  }
});

Deno.test("check shows no password, nor a password that stands where its file belongs", () => {
  const { KAFKA_SASL_PASSWORD: _, ...rest } = SASL;
  const envs: Record<string, string>[] = [
    { ...SASL, KAFKA_SASL_PASSWORD: "sesame" },
    { ...rest, KAFKA_SASL_PASSWORD_FILE: "sesame" },
    { KAFKA_SASL_PASSWORD: "sesame", KAFKA_SSL_KEY_PASSWORD: "sesame" },
  ];
  for (const env of envs) {
    const found = findingsOf(env, disk);
    assert.doesNotMatch(findingsText(found) + JSON.stringify(found), /sesame/);
  }
  const shown = findingsOf({ KAFKA_SSL_KEY_FILE: "/etc/key.pem" }, disk);
  assert.match(findingsText(shown), /KAFKA_SSL_KEY_FILE +\/etc\/key\.pem/);
});

Deno.test("a password that goes over the network as it is, is warned of", () => {
  const warned = (env: Environment) => configWarnings(readConfig(env, disk)).length;
  assert.equal(warned(SASL), 1);
  assert.equal(warned({ ...SASL, KAFKA_SECURITY_PROTOCOL: "SASL_SSL" }), 0);
  assert.equal(warned({ ...SASL, KAFKA_SASL_MECHANISM: "SCRAM-SHA-256" }), 0);
});

Deno.test("kafkajs sends at least once: exactly_once can't be asked of it", () => {
  assert.deepEqual(faults({ KAFKA_CLIENT: "kafkajs", OUTPUT_DELIVERY: "exactly_once" }), [
    "OUTPUT_DELIVERY: is more than KAFKA_CLIENT=kafkajs can do: it sends at least once",
  ]);
  assert.deepEqual(faults({ KAFKA_CLIENT: "kafkajs", OUTPUT_DELIVERY: "at_least_once" }), []);
  assert.deepEqual(faults({ OUTPUT_DELIVERY: "exactly_once" }), []);
  assert.deepEqual(faults({ OUTPUT_DELIVERY: "at_least_once" }), []);
  const [warning] = configWarnings(readConfig({ KAFKA_CLIENT: "kafkajs" }, disk));
  assert.match(warning, /at least once/);
  assert.deepEqual(
    configWarnings(readConfig({ KAFKA_CLIENT: "kafkajs", OUTPUT_TOPIC: "" }, disk)),
    [],
  );
});
