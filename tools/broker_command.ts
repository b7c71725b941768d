/** The two ways to run a broker: Java with Maven's jars, or the official image under Docker. */
import { cachedJars, cacheFolder, exists, fetchJars, KAFKA_VERSION, run } from "./kafka_jars.ts";

/** A further address of a broker. */
export interface BrokerListener {
  /** Upper case; a name of its own on each broker. */
  readonly name: string;
  readonly protocol: "PLAINTEXT" | "SSL" | "SASL_PLAINTEXT" | "SASL_SSL";
  readonly port: number;
}

export interface BrokerSetup {
  readonly port: number;
  readonly controllerPort: number;
  /** Absolute; holds the configuration, the log and the data. */
  readonly dir: string;
  /** Lines of `server.properties` that are added or that replace ours. */
  readonly config: Readonly<Record<string, string | number | boolean>>;
  readonly listeners: readonly BrokerListener[];
  readonly scramUsers: readonly string[];
  /** Largest heap, as Java writes it: `512m`. */
  readonly heap: string;
  /** Only Java's first compiler: starts faster, runs slower. */
  readonly fastStart: boolean;
}

/** A command line that becomes the broker and writes its log to its standard output. */
export interface BrokerCommand {
  readonly argv: string[];
  /** What is needed besides SIGKILL for the process to end the broker at once. */
  readonly kill?: string[];
}

/** Throws an Error that says what is missing if there is neither Java 17 with Maven nor Docker. */
export async function brokerCommand(setup: BrokerSetup): Promise<BrokerCommand> {
  const java = await javaMajor();
  const jars = java >= 17 &&
    (cachedJars(cacheFolder()) ?? (await works("mvn", ["-v"]) && await fetchJars(cacheFolder())));
  if (jars) return await javaCommand(jars, setup);
  if (await works("docker", ["info"])) return dockerCommand(setup);
  const found = java ? `Java ${java}` : "no Java";
  throw new Error(
    `A broker needs Java 17 or later and Maven, or Docker with a running daemon; found ${found}` +
      `${java >= 17 ? ", no Maven" : ""}, no Docker. Or name a broker in TEST_KAFKA_BROKER.`,
  );
}

async function javaCommand(jars: string, setup: BrokerSetup): Promise<BrokerCommand> {
  const { dir } = setup;
  const properties = { ...common(setup), ...listeners("127.0.0.1", setup), ...setup.config };
  const lines = Object.entries(properties).map(([name, value]) => `${name}=${value}\n`);
  await Deno.writeTextFile(`${dir}/server.properties`, lines.join(""));
  await Deno.writeTextFile(`${dir}/log4j2.properties`, LOG_SETTINGS);
  const java = ["-XX:+UseSerialGC", `-Dlog4j2.configurationFile=${dir}/log4j2.properties`];
  if (setup.fastStart) java.push("-XX:TieredStopAtLevel=1");
  java.push("-cp", `${jars}/*`);
  if (!exists(`${dir}/data/meta.properties`)) {
    const format = ["format", "-t", randomClusterId(), "-c", `${dir}/server.properties`];
    for (const user of setup.scramUsers) format.push("--add-scram", user);
    await run("java", [...java, "-XX:TieredStopAtLevel=1", "kafka.tools.StorageTool", ...format]);
  }
  const server = ["kafka.Kafka", `${dir}/server.properties`];
  return { argv: ["java", `-Xmx${setup.heap}`, ...java, ...server] };
}

/**
 * For machines with Docker and no Java. Not covered by the tests: they run where Java is. The client
 * passes SIGTERM on to the container; SIGKILL ends only the client, hence `kill`.
 */
function dockerCommand(setup: BrokerSetup): BrokerCommand {
  const name = `plumbline-kafka-${setup.port}`;
  const properties = { ...common(setup), ...listeners("0.0.0.0", setup), ...setup.config };
  const env = Object.entries(properties).flatMap(([property, value]) => [
    ...["-e", `KAFKA_${property.toUpperCase().replaceAll(".", "_")}=${value}`],
  ]);
  const ports = [setup.port, ...setup.listeners.map(({ port }) => port)];
  const published = ports.flatMap((port) => ["-p", `127.0.0.1:${port}:${port}`]);
  const id = `${setup.dir}/cluster.id`;
  if (!exists(id)) Deno.writeTextFileSync(id, randomClusterId());
  Deno.mkdirSync(`${setup.dir}/data`, { recursive: true });
  return {
    argv: [
      ...["docker", "run", "--rm", "--name", name, ...published],
      ...["--user", `${Deno.uid()}:${Deno.gid()}`, "-v", `${setup.dir}/data:${setup.dir}/data`],
      ...[
        "-e",
        `CLUSTER_ID=${Deno.readTextFileSync(id)}`,
        "-e",
        `KAFKA_HEAP_OPTS=-Xmx${setup.heap}`,
      ],
      ...env,
      `apache/kafka:${KAFKA_VERSION}`,
    ],
    kill: ["docker", "kill", name],
  };
}

function listeners(host: string, { port, controllerPort, listeners: further }: BrokerSetup) {
  const plain: BrokerListener = { name: "PLAINTEXT", protocol: "PLAINTEXT", port };
  const all = [plain, ...further];
  const addresses = (at: string) =>
    all.map(({ name, port }) => `${name}://${at}:${port}`).join(",");
  const protocols = all.map(({ name, protocol }) => `${name}:${protocol}`);
  return {
    "controller.quorum.voters": `1@127.0.0.1:${controllerPort}`,
    "listeners": `${addresses(host)},CONTROLLER://127.0.0.1:${controllerPort}`,
    "advertised.listeners": addresses("127.0.0.1"),
    "listener.security.protocol.map": `CONTROLLER:PLAINTEXT,${protocols.join(",")}`,
  };
}

/** One node, so one replica of everything; inner topics small, because each partition costs start time. */
function common({ dir }: BrokerSetup) {
  return {
    "process.roles": "broker,controller",
    "node.id": 1,
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "log.dirs": `${dir}/data`,
    "num.partitions": 4,
    "offsets.topic.num.partitions": 1,
    "offsets.topic.replication.factor": 1,
    "transaction.state.log.num.partitions": 1,
    "transaction.state.log.replication.factor": 1,
    "transaction.state.log.min.isr": 1,
    "share.coordinator.state.topic.num.partitions": 1,
    "share.coordinator.state.topic.replication.factor": 1,
    "share.coordinator.state.topic.min.isr": 1,
    "group.initial.rebalance.delay.ms": 0,
    // After a kill the controller refuses the new broker until the dead one's session is over (9 s).
    "broker.session.timeout.ms": 3_000,
    "broker.heartbeat.interval.ms": 500,
    "log.cleaner.dedupe.buffer.size": 16 * 1024 * 1024, // 128 MB by default, of a heap of 512
  };
}

/** The log says when the broker is ready (`KafkaRaftServer`), otherwise only what is wrong. */
const LOG_SETTINGS = `rootLogger.level=WARN
rootLogger.appenderRef.out.ref=OUT
logger.server.name=kafka.server.KafkaRaftServer
logger.server.level=INFO
appender.out.type=Console
appender.out.name=OUT
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d %p %c %m%n
`;

/**
 * Random, never fixed: a client that compares cluster ids can then tell two brokers on the same port
 * apart. Kafka wants a UUID in base64url; one with a leading "-" would look like an option.
 */
function randomClusterId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const id = btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_");
  return id.replaceAll("=", "").replace(/^-/, "A");
}

/** Java's major version; 0 if there is none. */
async function javaMajor(): Promise<number> {
  try {
    return Number((await run("java", ["-version"])).match(/version "(\d+)/)?.[1] ?? 0);
  } catch {
    return 0;
  }
}

async function works(command: string, args: string[]): Promise<boolean> {
  try {
    await run(command, args);
    return true;
  } catch {
    return false;
  }
}
