/** `plumbline check --connect` against a real broker, beside a real engine, and where things are wrong. */
import assert from "node:assert/strict";
import Database from "better-sqlite3";
import kafkajs from "kafkajs";
import { broker, client, createTopic, produce, topicName, topicOffsets } from "../harness/kafka.ts";
import { startProgram } from "../harness/process.ts";
import { PASSWORD, startSecureBroker, USER } from "../harness/secure_broker.ts";
import { tempFolder } from "../harness/temp.ts";
import { open } from "../store/samples.ts";
import { runCommand } from "./command.ts";

interface Line {
  readonly part: string;
  readonly ok: boolean;
  readonly text: string;
  readonly todo?: string;
}

async function check(env: Record<string, string>, args: string[] = []) {
  const { code, stdout, stderr } = await runCommand(["check", "--connect", "--json", ...args], env);
  assert.ok(stdout.startsWith("{"), stderr);
  const { ok, connections } = JSON.parse(stdout) as { ok: boolean; connections: Line[] };
  const lines = new Map(connections.map((it) => [it.part, it]));
  const wrong = connections.filter((it) => !it.ok).map(({ part }) => part);
  return { code, ok, lines, wrong, stdout };
}

/** A server that answers everything with this status, and counts what was posted. */
function service(status: number, headers: Record<string, string> = {}) {
  const state = { posts: 0 };
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
    if (request.method !== "GET") state.posts++;
    return new Response("{}", { status, headers });
  });
  return {
    state,
    port: server.addr.port,
    url: `http://127.0.0.1:${server.addr.port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

function names(dir: string): string[] {
  return [...Deno.readDirSync(dir)].map(({ name }) => name).sort();
}

Deno.test("beside an engine that runs all is well, and nothing is touched", async () => {
  using folder = tempFolder();
  await using storage = service(404);
  const input = await createTopic({ name: topicName("look-in"), partitions: 3 });
  const output = await createTopic({ name: topicName("look-out"), partitions: 2 });
  const letters = await createTopic({
    name: topicName("look-dead"),
    config: { "max.message.bytes": 100_000 },
  });
  const env = {
    KAFKA_BROKER: broker(),
    INPUT_TOPIC: input,
    OUTPUT_TOPIC: output,
    DEAD_LETTER_TOPIC: letters,
    CONSUMER_GROUP: input,
    STORAGE_SERVICE_URL: storage.url,
    DATA_DIR: `${folder.path}/data`,
  };
  const before = await check(env);
  assert.equal(before.code, 0, before.stdout);
  assert.match(before.lines.get("data folder")!.text, /data: nothing is stored yet$/);
  assert.match(
    before.lines.get("disk")!.text,
    /data isn't there yet and can be made in .* are free$/,
  );
  assert.match(before.lines.get("group")!.text, /no members now; nothing is committed/);
  assert.match(before.lines.get("port")!.text, /any free port/);
  assert.deepEqual(names(folder.path), []);

  await using engine = await startProgram({ env: { ...env, STORAGE_SERVICE_URL: "" } });
  const address = await engine.ready("/health/ready");
  await produce(input, [{ value: "no reading", partition: 1, timestamp: Date.now() - 5_000 }]);
  await engine.line(() => true);
  while ((await (await fetch(`${address}/api/dead-letters`)).json()).kept < 1) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const rebalances = async () =>
    /^plumbline_rebalances_total (\d+)$/m.exec(
      await (await fetch(`${address}/metrics`)).text(),
    )![1];
  const joins = await rebalances();
  const files = names(env.DATA_DIR);
  const beside = await check({ ...env, METRICS_PORT: new URL(address).port });
  assert.deepEqual([beside.code, beside.ok, beside.wrong], [0, true, []], beside.stdout);
  assert.deepEqual([...beside.lines.keys()], [
    "broker",
    "input topic",
    "output topic",
    "dead letter topic",
    "group",
    "storage service",
    "data folder",
    "disk",
    "port",
    "clock",
  ]);
  const text = (part: string) => beside.lines.get(part)!.text;
  assert.match(text("broker"), /^127\.0\.0\.1:\d+: cluster \S+ of 1 broker, reached$/);
  assert.match(text("input topic"), /: 3 partitions, it may be read$/);
  assert.match(
    text("output topic"),
    /: 2 partitions, it may be written; messages of up to 1048588 b/,
  );
  assert.match(
    text("dead letter topic"),
    /messages of up to 100000 bytes, larger batches are split$/,
  );
  assert.match(
    text("group"),
    /: 1 member \((range|roundrobin)\); (1 partition|[23] partitions) committed, (1 record|[02] records) b/,
  );
  assert.match(text("storage service"), /answers \(GET \/api\/store: 404; nothing was posted\)$/);
  assert.match(text("data folder"), /: an engine uses it, schema version \d+$/);
  assert.match(text("disk"), /^a write is on the disk after \d+\.\d ms, .* are free$/);
  assert.match(text("port"), /: an engine answers there$/);
  assert.equal(storage.state.posts, 0);
  assert.equal(await rebalances(), joins);
  assert.deepEqual(names(env.DATA_DIR), files);
  const records = [...(await topicOffsets(input)).values()].reduce(
    (sum, { high }) => sum + high,
    0,
  );
  assert.equal(records, 1);
  const plain = await runCommand(["check", "--connect"], env);
  assert.match(plain.stdout, /\n\nThe settings are right\.\n\nok {2}broker {13}127/);
  assert.deepEqual(await engine.kill("SIGTERM"), { code: 0, signal: null });
});

Deno.test("everything that is wrong is told, each with what to do, and no topic is made", async () => {
  using folder = tempFolder();
  await using storage = service(503, { date: new Date(Date.now() + 3_600_000).toUTCString() });
  await using taken = service(200);
  const narrow = await createTopic({
    name: topicName("narrow"),
    config: { "max.message.bytes": 5_000 },
  });
  const input = await createTopic({ name: topicName("sticky-in") });
  const dir = `${folder.path}/data`;
  open(dir).close();
  const db = new Database(`${dir}/plumbline.db`);
  db.pragma("user_version = 99");
  db.close();
  const member = client().consumer({
    groupId: input,
    partitionAssigners: [({ cluster }) => ({
      ...kafkajs.PartitionAssigners.roundRobin({ cluster } as never),
      name: "sticky",
      protocol: ({ topics }) => ({
        name: "sticky",
        metadata: kafkajs.AssignerProtocol.MemberMetadata.encode({
          version: 1,
          topics,
          userData: new Uint8Array() as never,
        }),
      }),
    })],
  });
  await member.connect();
  await member.subscribe({ topic: input });
  const joined = Promise.withResolvers<void>();
  member.on(member.events.GROUP_JOIN, () => joined.resolve());
  await member.run({ eachMessage: () => Promise.resolve() });
  await joined.promise;
  const missing = topicName("missing");
  const found = await check({
    KAFKA_BROKER: `${broker()},127.0.0.1:1`,
    INPUT_TOPIC: input,
    CONSUMER_GROUP: input,
    OUTPUT_TOPIC: narrow,
    DEAD_LETTER_TOPIC: missing,
    STORAGE_SERVICE_URL: storage.url,
    METRICS_PORT: String(taken.port),
    DATA_DIR: dir,
  });
  await member.disconnect();
  assert.equal(found.code, 1);
  assert.deepEqual(found.wrong, [
    "broker",
    "output topic",
    "dead letter topic",
    "group",
    "storage service",
    "data folder",
    "port",
    "clock",
  ]);
  const line = (part: string) => `${found.lines.get(part)!.text}; ${found.lines.get(part)!.todo}`;
  assert.match(
    line("broker"),
    /but not all of it \(127\.0\.0\.1:1: .*; every broker has to be reached/,
  );
  assert.match(line("output topic"), /of up to 5000 bytes; raise max\.message\.bytes/);
  assert.match(line("dead letter topic"), /no topic of this name; create it, .*DEAD_LETTER_TOPIC$/);
  assert.match(
    line("group"),
    /1 member \(sticky\).*; this engine joins groups of the strategies range/,
  );
  assert.match(line("storage service"), /503.*; see the service's own log/);
  assert.match(line("data folder"), /the file has version 99.*; see docs/);
  assert.match(line("port"), /another program has it; set METRICS_PORT to another port/);
  assert.match(line("clock"), /is 3[56]\d\d s behind the storage service; set the clocks right/);
  const topics = await client().admin().listTopics();
  assert.ok(!topics.includes(missing), "the topic was made");
});

Deno.test("who doesn't answer takes no more than its time, and hides no other part", async () => {
  using folder = tempFolder();
  const silent = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const { port } = silent.addr as Deno.NetAddr;
  const begun = performance.now();
  const found = await check({
    KAFKA_BROKER: `127.0.0.1:${port}`,
    STORAGE_SERVICE_URL: `http://127.0.0.1:${port}`,
    DATA_DIR: folder.path,
  }, ["--timeout", "1.5"]);
  const seconds = (performance.now() - begun) / 1000;
  silent.close();
  assert.ok(seconds < 20, `${seconds} s`);
  assert.equal(found.code, 1);
  assert.deepEqual(found.wrong, [
    "broker",
    "input topic",
    "output topic",
    "group",
    "storage service",
  ]);
  assert.equal(found.lines.get("storage service")!.text, "no answer within 1.5 s");
  for (const part of ["input topic", "output topic", "group"]) {
    assert.equal(found.lines.get(part)!.text, "no broker was reached");
  }
  assert.match(found.lines.get("disk")!.text, /^a write is on the disk/);
  const faulty = await runCommand(["check", "--connect"], { MAX_READINGS: "many" });
  assert.equal(faulty.code, 2);
  assert.doesNotMatch(faulty.stdout, /broker {2}/);
});

Deno.test("security: what isn't let in is told, what isn't allowed, too, and no secret", async () => {
  using folder = tempFolder();
  await using secure = await startSecureBroker(`${folder.path}/broker`, {
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "super.users": "User:ANONYMOUS",
  });
  const { bootstrap } = secure.broker;
  const input = await createTopic({ name: topicName("acl-in") }, bootstrap);
  const output = await createTopic({ name: topicName("acl-out") }, bootstrap);
  const env = {
    KAFKA_BROKER: secure.addresses.saslSsl,
    KAFKA_SECURITY_PROTOCOL: "SASL_SSL",
    KAFKA_SASL_MECHANISM: "SCRAM-SHA-512",
    KAFKA_SASL_USERNAME: USER,
    KAFKA_SASL_PASSWORD: PASSWORD,
    KAFKA_SSL_CA_FILE: secure.certificates.ca,
    INPUT_TOPIC: input,
    OUTPUT_TOPIC: output,
    DATA_DIR: `${folder.path}/data`,
  };
  const { AclOperationTypes: may, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } =
    kafkajs;
  const admin = client(bootstrap).admin();
  await admin.connect();
  const allow = (resource: "TOPIC" | "GROUP", name: string, operation: number) =>
    admin.createAcls({
      acl: [{
        resourceType: AclResourceTypes[resource],
        resourceName: name,
        resourcePatternType: ResourcePatternTypes.LITERAL,
        principal: `User:${USER}`,
        host: "*",
        operation,
        permissionType: AclPermissionTypes.ALLOW,
      }],
    });
  await allow("TOPIC", input, may.READ);
  await allow("TOPIC", output, may.READ);
  const readOnly = await check(env);
  assert.deepEqual(readOnly.wrong, ["output topic", "group"], readOnly.stdout);
  assert.match(readOnly.lines.get("broker")!.text, /reached by TLS and SASL SCRAM-SHA-512$/);
  assert.match(readOnly.lines.get("output topic")!.text, /it may not be written$/);
  assert.match(readOnly.lines.get("output topic")!.todo!, /allow Write and Read on it/);
  assert.match(readOnly.lines.get("group")!.todo!, /ACLs/);
  await allow("TOPIC", output, may.WRITE);
  await allow("GROUP", "plumbline", may.READ);
  await admin.disconnect();
  const allowed = await check(env);
  assert.deepEqual([allowed.code, allowed.wrong], [0, []], allowed.stdout);
  assert.match(
    allowed.lines.get("output topic")!.text,
    /may be written; its message size limit isn't/,
  );

  const password = "hush-hush-4711";
  const wrong = await check({ ...env, KAFKA_SASL_PASSWORD: password });
  assert.match(wrong.lines.get("broker")!.todo!, /KAFKA_SASL_PASSWORD/);
  const foreign = await check({ ...env, KAFKA_SSL_CA_FILE: secure.foreign.ca });
  assert.match(foreign.lines.get("broker")!.todo!, /KAFKA_SSL_CA_FILE/);
  for (const { stdout } of [readOnly, allowed, wrong, foreign]) {
    assert.ok(!stdout.includes(password) && !stdout.includes(PASSWORD), stdout);
  }
});
