/** A real Apache Kafka broker (one node, KRaft) that can be stopped, killed and started again. */
import {
  type BrokerCommand,
  brokerCommand,
  type BrokerListener,
  type BrokerSetup,
} from "./broker_command.ts";
import { exists, run } from "./kafka_jars.ts";
import { freePort, portIsFree } from "./ports.ts";

export interface BrokerOptions {
  /** 0 or absent: any free port. It stays the same over every restart. */
  port?: number;
  /** Holds configuration, log and data; made if it is missing. Data in it is used again. */
  dir: string;
  /** Lines of `server.properties`, for example `{ "message.max.bytes": 5_000_000 }`. */
  config?: Record<string, string | number | boolean>;
  /** Listeners besides the plain one; `config` says how they are secured. */
  listeners?: readonly BrokerListener[];
  /** Users that the broker has from its first start on, as `SCRAM-SHA-256=[name=…,password=…]`. */
  scramUsers?: readonly string[];
  /** Largest heap, as Java writes it. Default `512m`. */
  heap?: string;
  /** Only Java's first compiler: ready sooner, slower under load. Default true; off for measuring. */
  fastStart?: boolean;
  /** The broker outlives this program and isn't touched by Ctrl-C in its terminal. Default false. */
  detached?: boolean;
}

/** What `broker.json` in a broker's folder says. */
export interface BrokerState {
  pid: number;
  port: number;
  clusterId: string;
}

const READY = "Kafka Server started";
const START_LIMIT_MS = 120_000;
const STOP_LIMIT_MS = 30_000;
const POLL_MS = 50;

/**
 * Starts a broker and waits until it serves. Throws if the port is used by something else, if the
 * folder's broker runs already, if there is no way to run one, or, with the end of its log, if it
 * ends or isn't ready within 120 s.
 */
export async function startBroker(options: BrokerOptions): Promise<Broker> {
  await Deno.mkdir(options.dir, { recursive: true });
  const dir = await Deno.realPath(options.dir);
  const running = await runningBroker(dir);
  if (running) {
    throw new Error(`Start a broker in ${dir}: pid ${running.pid} runs there already`);
  }
  const broker = new Broker(options.port || await freePort(), { ...options, dir });
  await broker.start();
  return broker;
}

export class Broker implements AsyncDisposable {
  readonly port: number;
  readonly dir: string;
  readonly bootstrap: string;
  #options: BrokerOptions;
  #child: Deno.ChildProcess | undefined;
  #command: BrokerCommand | undefined;
  #clusterId = "";

  /** Made by `startBroker`. */
  constructor(port: number, options: BrokerOptions) {
    this.port = port;
    this.dir = options.dir;
    this.bootstrap = `127.0.0.1:${port}`;
    this.#options = options;
  }

  /** Throws while the broker is down. */
  get pid(): number {
    if (!this.#child) throw new Error(`Ask for the broker's pid: ${this.bootstrap} is down`);
    return this.#child.pid;
  }

  get clusterId(): string {
    return this.#clusterId;
  }

  get running(): boolean {
    return this.#child !== undefined;
  }

  /** After `stop` or `kill`: the same port, the same data. Fails like `startBroker`. */
  async start(): Promise<void> {
    if (this.#child) throw new Error(`Start the broker: pid ${this.pid} runs already`);
    if (!await portIsFree(this.port)) {
      throw new Error(`Start a broker on port ${this.port}: it is used by something else`);
    }
    const setup = await this.#setup();
    this.#command = await brokerCommand(setup);
    const log = `${this.dir}/broker.log`;
    const logStart = exists(log) ? Deno.statSync(log).size : 0;
    // The shell only opens the log: Java's own complaints land there, too, and `exec` keeps the pid.
    const child = new Deno.Command("sh", {
      args: ["-c", `exec "$@" >>"$0" 2>&1`, log, ...this.#command.argv],
      stdin: "null",
      stdout: "null",
      stderr: "null",
      detached: this.#options.detached ?? false,
    }).spawn();
    this.#child = child;
    const state = { pid: child.pid, port: this.port, clusterId: "" };
    await Deno.writeTextFile(`${this.dir}/broker.json`, JSON.stringify(state));
    child.status.then(() => {
      if (this.#child === child) this.#child = undefined;
    });
    try {
      await this.#ready(child, { log, logStart });
    } catch (error) {
      await this.kill();
      throw error;
    }
    const meta = await Deno.readTextFile(`${this.dir}/data/meta.properties`);
    this.#clusterId = state.clusterId = meta.match(/^cluster\.id=(.*)$/m)?.[1] ?? "";
    await Deno.writeTextFile(`${this.dir}/broker.json`, JSON.stringify(state));
    if (this.#options.detached) child.unref();
  }

  /** SIGTERM, and SIGKILL after 30 s. Nothing happens if the broker is down. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (!child) return;
    sendSignal(child.pid, "SIGTERM");
    const late = setTimeout(() => this.kill(), STOP_LIMIT_MS);
    await child.status;
    clearTimeout(late);
  }

  /** SIGKILL: as in a power cut, except that what the system has taken reaches the disk. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (!child) return;
    if (this.#command?.kill) await run(this.#command.kill[0], this.#command.kill.slice(1));
    sendSignal(child.pid, "SIGKILL");
    await child.status;
  }

  /** Stops the broker if it runs and starts it; `config` replaces the lines given before. */
  async restart(config?: BrokerOptions["config"]): Promise<void> {
    await this.stop();
    if (config) this.#options = { ...this.#options, config };
    await this.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #setup(): Promise<BrokerSetup> {
    const { config = {}, heap = "512m", fastStart = true } = this.#options;
    const { listeners = [], scramUsers = [] } = this.#options;
    const { port, dir } = this;
    const controllerPort = await freePort();
    return { port, controllerPort, dir, config, listeners, scramUsers, heap, fastStart };
  }

  /**
   * Ready is what the broker's log says since `logStart`. An open port would prove less: it could be
   * somebody else's, taken between our check and the broker's own attempt.
   */
  async #ready(child: Deno.ChildProcess, at: { log: string; logStart: number }): Promise<void> {
    const deadline = Date.now() + START_LIMIT_MS;
    for (;;) {
      const log = exists(at.log) ? (await Deno.readTextFile(at.log)).slice(at.logStart) : "";
      if (log.includes(READY)) return;
      const fault = this.#child !== child
        ? "it ended"
        : Date.now() > deadline
        ? `it isn't ready after ${START_LIMIT_MS / 1000} s`
        : undefined;
      if (fault) {
        throw new Error(`Start a broker on ${this.bootstrap}: ${fault}\n${log.slice(-2000)}`);
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }
}

/** The broker that runs on a folder, whoever started it; undefined if none does. */
export async function runningBroker(dir: string): Promise<BrokerState | undefined> {
  if (!exists(`${dir}/broker.json`)) return undefined;
  const state: BrokerState = JSON.parse(await Deno.readTextFile(`${dir}/broker.json`));
  // A pid alone may be anybody's by now: the command line must name this folder.
  return (await commandLine(state.pid)).includes(`${dir}/`) ? state : undefined;
}

/** Stops a broker that another program left running: SIGTERM, and SIGKILL after 30 s. */
export async function stopRunning(dir: string): Promise<BrokerState | undefined> {
  const state = await runningBroker(dir);
  if (!state) return undefined;
  sendSignal(state.pid, "SIGTERM");
  const deadline = Date.now() + STOP_LIMIT_MS;
  while (await runningBroker(dir)) {
    if (Date.now() > deadline) sendSignal(state.pid, "SIGKILL");
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return state;
}

function sendSignal(pid: number, signal: Deno.Signal): void {
  try {
    Deno.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error; // it has ended already: that's fine
  }
}

/** Empty if there is no such process. */
async function commandLine(pid: number): Promise<string> {
  if (exists("/proc/self/cmdline")) {
    try {
      return (await Deno.readTextFile(`/proc/${pid}/cmdline`)).replaceAll("\0", " ");
    } catch {
      return "";
    }
  }
  const ps = await new Deno.Command("ps", { args: ["-o", "command=", "-p", String(pid)] }).output();
  return new TextDecoder().decode(ps.stdout);
}
