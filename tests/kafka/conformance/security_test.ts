/** TLS and SASL on a real broker with its own authority, for both clients: source and output. */
import assert from "node:assert/strict";
import type { ClusterSecurity } from "../../../src/kafka/connection_options.ts";
import { createTopic, produce, readTopic, topicName } from "../../harness/kafka.ts";
import {
  type Listener,
  PASSWORD,
  type SecureBroker,
  startSecureBroker,
  USER,
} from "../../harness/secure_broker.ts";
import { tempFolder } from "../../harness/temp.ts";
import { clients } from "../client_in_use.ts";
import { MemoryFeed } from "../memory_feed.ts";
import { startSink } from "../output_sink.ts";
import { Reader } from "../reader.ts";

type Make = (broker: SecureBroker) => ClusterSecurity;

const text = (path: string) => Deno.readTextFileSync(path);
const own = ({ certificates }: SecureBroker) => ({ ca: text(certificates.ca) });
const mutual = ({ certificates: { ca, cert, key } }: SecureBroker) => ({
  ca: text(ca),
  cert: text(cert),
  key: text(key),
});

function sasl(
  mechanism: "PLAIN" | "SCRAM-SHA-256" | "SCRAM-SHA-512",
  { username = USER, password = PASSWORD } = {},
) {
  return { mechanism, username, password };
}

const GOOD: [string, Listener, Make][] = [
  ["TLS with an authority of its own", "ssl", (b) => ({ tls: own(b) })],
  ["TLS with a client's certificate", "mutual", (b) => ({ tls: mutual(b) })],
  ["SASL_SSL, PLAIN", "saslSsl", (b) => ({ tls: own(b), sasl: sasl("PLAIN") })],
  ["SASL_SSL, SCRAM-SHA-256", "saslSsl", (b) => ({ tls: own(b), sasl: sasl("SCRAM-SHA-256") })],
  ["SASL_SSL, SCRAM-SHA-512", "saslSsl", (b) => ({ tls: own(b), sasl: sasl("SCRAM-SHA-512") })],
  ["SASL_PLAINTEXT, PLAIN", "saslPlaintext", () => ({ sasl: sasl("PLAIN") })],
  ["SASL_PLAINTEXT, SCRAM-SHA-512", "saslPlaintext", () => ({ sasl: sasl("SCRAM-SHA-512") })],
];

/** With what is to be done about it. */
const BAD: [string, Listener | "plain", Make, RegExp][] = [
  ["a wrong password, PLAIN", "saslPlaintext", () => ({
    sasl: sasl("PLAIN", { password: "no" }),
  }), /KAFKA_SASL_PASSWORD/],
  ["a wrong password, SCRAM", "saslSsl", (b) => ({
    tls: own(b),
    sasl: sasl("SCRAM-SHA-256", { password: "no" }),
  }), /KAFKA_SASL_PASSWORD/],
  ["an unknown user", "saslSsl", (b) => ({
    tls: own(b),
    sasl: sasl("SCRAM-SHA-512", { username: "bob" }),
  }), /KAFKA_SASL_USERNAME/],
  ["a wrong authority", "ssl", ({ foreign }) => ({
    tls: { ca: text(foreign.ca) },
  }), /KAFKA_SSL_CA_FILE/],
  ["no authority", "ssl", () => ({ tls: {} }), /KAFKA_SSL_CA_FILE/],
  ["no client's certificate", "mutual", (b) => ({ tls: own(b) }), /KAFKA_SSL_CERT_FILE/],
  ["a client's certificate of a foreign authority", "mutual", (b) => ({
    tls: { ...own(b), cert: text(b.foreign.cert), key: text(b.foreign.key) },
  }), /KAFKA_SSL_CERT_FILE/],
  ["TLS to a plain port", "plain", (b) => ({ tls: own(b) }), /doesn't speak TLS/],
  ["plain text to a TLS port", "ssl", () => ({}), /KAFKA_SECURITY_PROTOCOL/],
  [
    "SASL to a listener without",
    "plain",
    () => ({ sasl: sasl("PLAIN") }),
    /KAFKA_SECURITY_PROTOCOL/,
  ],
  ["no SASL to a listener with", "saslPlaintext", () => ({}), /KAFKA_SECURITY_PROTOCOL/],
];

Deno.test("TLS and SASL, by both clients", async (t) => {
  using folder = tempFolder();
  await using secure = await startSecureBroker(`${folder.path}/secure`);
  const plain = secure.broker.bootstrap;
  let runs = 0;
  const dir = () => `${folder.path}/data-${runs++}`;
  for (const [name, client] of Object.entries(clients)) {
    for (const [what, listener, make] of GOOD) {
      await t.step(`${name}: ${what}`, async () => {
        const topic = await createTopic({ name: topicName("secure") }, plain);
        await produce(topic, [{ value: "in" }], { bootstrap: plain });
        const access = { bootstrap: secure.addresses[listener], security: make(secure), client };
        await using reader = new Reader({ topic, group: topic, dir: dir(), ...access });
        await reader.untilRead(1);
        assert.deepEqual(reader.values(), ["in"]);
        const output = await createTopic({ name: topicName("secure") }, plain);
        const feed = new MemoryFeed();
        await using _sink = startSink(feed, { topic: output, ...access });
        feed.add(0, { records: [{ key: "k", value: "out", id: "i", tenant: "t" }] });
        await feed.until(() => feed.drained);
        const [record] = await readTopic(output, { bootstrap: plain });
        assert.equal(record.value?.toString(), "out");
      });
    }
    for (const [what, listener, make, todo] of BAD) {
      await t.step(`${name}: ${what} is told in a line`, async () => {
        const topic = await createTopic({ name: topicName("secure") }, plain);
        const bootstrap = listener === "plain" ? plain : secure.addresses[listener];
        const access = { bootstrap, security: make(secure), client };
        await using reader = new Reader({ topic, group: topic, dir: dir(), ...access });
        await reader.until("word of it", () => told(reader.log).some((it) => todo.test(it)));
        await using sink = startSink(new MemoryFeed(), { topic, ...access });
        await sink.until(() => told(sink.lines).some((it) => todo.test(it)));
        for (const { level, fields } of [...reader.log, ...sink.lines]) {
          assert.doesNotMatch(JSON.stringify(fields ?? {}), /wonder|-----BEGIN/);
          if (level === "error") assert.doesNotMatch(String(fields?.reason), /\n/);
        }
      });
    }
  }
});

function told(lines: readonly { level: string; fields?: Record<string, unknown> }[]): string[] {
  return lines.filter(({ level }) => level === "error").map(({ fields }) => String(fields?.todo));
}
