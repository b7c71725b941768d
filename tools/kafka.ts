/**
 * `deno task kafka [start|stop|wipe|status] [--port N] [--dir D]`: a real broker for development.
 * Without `--port`, start takes 19292, or any free port if something else has it; 0 is any free port.
 * stop, wipe and status mean every broker of this repository unless a port or folder is named.
 * Exit codes: 0 done; 1 it failed, and says why; 2 wrong arguments.
 */
import { type BrokerState, runningBroker, startBroker, stopRunning } from "./broker.ts";
import { exists, KAFKA_VERSION } from "./kafka_jars.ts";
import { freePort, portIsFree } from "./ports.ts";

const USUAL_PORT = 19292;
const FOLDERS = new URL("../.kafka/brokers", import.meta.url).pathname;
const USAGE = "usage: deno task kafka [start|stop|wipe|status] [--port N] [--dir D]";

interface Order {
  action: "start" | "stop" | "wipe" | "status";
  port?: number;
  dir?: string;
}

/** Undefined: the arguments make no sense. */
export function parseOrder(args: string[]): Order | undefined {
  const order: Order = { action: "start" };
  for (let i = 0; i < args.length; i++) {
    const arg = args[i];
    if (arg === "--port") {
      order.port = Number(args[++i] || NaN);
      if (!Number.isInteger(order.port) || order.port < 0 || order.port > 65_535) return undefined;
    } else if (arg === "--dir") {
      order.dir = args[++i];
      if (!order.dir) return undefined;
    } else if (i === 0 && isAction(arg)) {
      order.action = arg;
    } else return undefined;
  }
  return order;
}

function isAction(arg: string): arg is Order["action"] {
  return ["start", "stop", "wipe", "status"].includes(arg);
}

async function start({ port, dir }: Order): Promise<void> {
  const folder = dir ?? (port === 0 ? undefined : `${FOLDERS}/${port ?? USUAL_PORT}`);
  const running = folder && exists(folder)
    ? await runningBroker(await Deno.realPath(folder))
    : undefined;
  if (running) return console.log(describe(running, "runs already"));
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
    const state = order.action === "status"
      ? await runningBroker(folder)
      : await stopRunning(folder);
    if (state) console.log(describe(state, order.action === "status" ? "runs" : "stopped"));
    if (order.action === "wipe") {
      // Only a folder that a broker has used: `--dir` could name anything.
      if (!exists(`${folder}/broker.json`)) throw new Error(`Wipe ${folder}: no broker's folder`);
      await Deno.remove(folder, { recursive: true });
      console.log(`${folder} removed`);
    }
    if (state || order.action === "wipe") found++;
  }
  if (!found) console.log("No broker runs here.");
}

async function main(): Promise<number> {
  const order = parseOrder(Deno.args);
  if (!order) {
    console.error(USAGE);
    return 2;
  }
  try {
    await (order.action === "start" ? start(order) : eachFolder(order));
    return 0;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return 1;
  }
}

if (import.meta.main) Deno.exit(await main());
