/**
 * `deno task kafka [word]`: a real broker for development, and small tools for any Kafka; `--help` tells
 * more. stop, wipe and status mean every broker of this repository unless a port or folder is named.
 */
import { type BrokerState, runningBroker, startBroker, stopRunning } from "./broker.ts";
import { exists, KAFKA_VERSION } from "./kafka_jars.ts";
import { type Order, readOrder } from "./kafka_order.ts";
import { linesOf } from "./lines.ts";
import { freePort, portIsFree } from "./ports.ts";

const USUAL_PORT = 19292;
const FOLDERS = new URL("../.kafka/brokers", import.meta.url).pathname;

async function start({ port, dir }: Order): Promise<void> {
  const folder = dir ?? (port === 0 ? undefined : `${FOLDERS}/${port ?? USUAL_PORT}`);
  const running = folder && exists(folder)
    ? await runningBroker(await Deno.realPath(folder))
    : undefined;
  if (running) {
    console.log(describe(running, "runs already"));
    return await topicsFor(running.port);
  }
  const chosen = port === undefined
    ? (await portIsFree(USUAL_PORT) ? USUAL_PORT : await freePort())
    : port || await freePort();
  if (port === undefined && chosen !== USUAL_PORT) {
    console.log(`Port ${USUAL_PORT} is used by something else; taking ${chosen}.`);
  }
  const broker = await startBroker({
    port: chosen,
    dir: dir ?? `${FOLDERS}/${chosen}`,
    detached: true,
  });
  console.log(describe(broker, `runs, data in ${broker.dir}`));
  await topicsFor(chosen);
}

/** Without them the engine would wait, and `simulate` fail. */
async function topicsFor(port: number): Promise<void> {
  const { makeDefaultTopics } = await import("./kafka_topics.ts");
  const topics = await makeDefaultTopics(`127.0.0.1:${port}`, Deno.env.toObject());
  for (const topic of topics) console.log(topicLine(topic));
  console.log("`deno task kafka stop` stops it; `deno task kafka --help` tells more.");
}

function topicLine(topic: { name: string; partitions: number; made: boolean }): string {
  const { name, partitions, made } = topic;
  const size = `${partitions} ${partitions === 1 ? "partition" : "partitions"}`;
  return made ? `Topic ${name} made, ${size}.` : `Topic ${name} is there, ${size}.`;
}

async function topic({ topic: name = "", partitions, port }: Order): Promise<void> {
  const { makeTopic } = await import("./kafka_topics.ts");
  console.log(topicLine(await makeTopic(await brokers(port), { name, partitions })));
}

async function send({ topic, port }: Order): Promise<void> {
  const { inputTopic } = await import("./kafka_topics.ts");
  const { sendLines } = await import("./kafka_records.ts");
  const place = { brokers: await brokers(port), topic: topic ?? inputTopic(Deno.env.toObject()) };
  const sent = await sendLines(place, linesOf(Deno.stdin.readable));
  console.log(`${sent} ${sent === 1 ? "record" : "records"} sent to ${place.topic}.`);
}

async function read(order: Order): Promise<void> {
  const { outputTopic } = await import("./kafka_topics.ts");
  const { readRecords } = await import("./kafka_records.ts");
  const name = order.topic ?? outputTopic(Deno.env.toObject());
  if (name === "") throw new Error("Read a topic: OUTPUT_TOPIC is empty; name one");
  await readRecords({
    brokers: await brokers(order.port),
    topic: name,
    follow: order.follow ?? false,
    max: order.max ?? Infinity,
    write: console.log,
  });
}

/** Which Kafka topic, send and read are about. */
async function brokers(port: number | undefined): Promise<string> {
  if (port !== undefined) return `127.0.0.1:${port}`;
  const given = Deno.env.get("KAFKA_BROKER");
  if (given) return given;
  const running: BrokerState[] = [];
  for (const folder of await folders({ word: "status" })) {
    const state = await runningBroker(folder);
    if (state) running.push(state);
  }
  if (running.length === 1) return `127.0.0.1:${running[0].port}`;
  const found = running.length === 0 ? "none runs here" : `${running.length} run here`;
  throw new Error(`Find the broker: ${found}; name one in KAFKA_BROKER, or by --port`);
}

function describe(broker: BrokerState, what: string): string {
  return `Kafka ${KAFKA_VERSION} on 127.0.0.1:${broker.port} ${what} (pid ${broker.pid}, ` +
    `cluster ${broker.clusterId})`;
}

/** Real paths of the folders that an order means, whether a broker runs there or not. */
async function folders({ port, dir }: Order): Promise<string[]> {
  const paths: string[] = [];
  if (dir) paths.push(dir);
  else if (port) paths.push(`${FOLDERS}/${port}`);
  else if (exists(FOLDERS)) {
    for await (const entry of Deno.readDir(FOLDERS)) paths.push(`${FOLDERS}/${entry.name}`);
  }
  return await Promise.all(paths.filter(exists).map((path) => Deno.realPath(path)));
}

async function eachFolder(order: Order): Promise<void> {
  let found = 0;
  for (const folder of await folders(order)) {
    const state = order.word === "status" ? await runningBroker(folder) : await stopRunning(folder);
    if (state) console.log(describe(state, order.word === "status" ? "runs" : "stopped"));
    if (order.word === "wipe") {
      // Only a folder that a broker has used: `--dir` could name anything.
      if (!exists(`${folder}/broker.json`)) throw new Error(`Wipe ${folder}: no broker's folder`);
      await Deno.remove(folder, { recursive: true });
      console.log(`${folder} removed`);
    }
    if (state || order.word === "wipe") found++;
  }
  if (!found) console.log("No broker runs here.");
}

const ACTIONS: Record<Order["word"], (order: Order) => Promise<void>> = {
  start,
  stop: eachFolder,
  wipe: eachFolder,
  status: eachFolder,
  topic,
  send,
  read,
};

async function main(): Promise<number> {
  const order = readOrder(Deno.args);
  if (typeof order === "number") return order;
  try {
    await ACTIONS[order.word](order);
    return 0;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return 1;
  }
}

if (import.meta.main) Deno.exit(await main());
