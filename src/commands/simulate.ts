import { readKafkaSecurity } from "../config/config.ts";
import { ConfigFaults } from "../config/faults.ts";
import { settings } from "../config/settings.ts";
import type { FaultKind } from "../simulation/faults.ts";
import { type Mark, MarkKeeper } from "../simulation/marks.ts";
import { Simulation, type SimulationSettings } from "../simulation/simulation.ts";
import { apiAddress, oneSetting } from "./api_address.ts";
import { apiClient } from "./api_client.ts";
import { exitCodes } from "./exit_codes.ts";
import { httpTarget } from "./simulation_http.ts";
import { countsText, createProgress } from "./simulation_progress.ts";
import { runSimulation } from "./simulation_run.ts";
import type { Target } from "./simulation_target.ts";
import { stopSignal } from "./stop_signal.ts";

/** As the command line has them. */
export interface SimulateOptions {
  readonly to: "http" | "kafka";
  readonly url?: string;
  readonly devices: number;
  readonly tenants: number;
  readonly rate: number;
  readonly count?: number;
  /** s. */
  readonly duration?: number;
  readonly seed?: number;
  /** ms since 1970. */
  readonly start?: number;
  readonly speed: number;
  readonly faults: readonly FaultKind[];
  readonly marks?: string;
}

/** Sends simulated readings until it is over or interrupted; the exit code. */
export async function simulate(options: SimulateOptions): Promise<number> {
  const stop = stopSignal();
  let target: Target;
  let marks: MarksFile;
  try {
    target = await targetOf(options);
    marks = new MarksFile(options.marks);
  } catch (error) {
    if (!(error instanceof ConfigFaults || error instanceof MarksUnwritable)) throw error;
    console.error(`plumbline: ${error.message}`);
    return exitCodes.usage;
  }
  const simulation = new Simulation(settingsOf(options));
  console.log(introduction(options, { simulation, target }));
  const keeper = new MarkKeeper(simulation);
  const durationMs = options.duration === undefined ? undefined : options.duration * 1000;
  const now = () => performance.now();
  const progress = createProgress({
    terminal: Deno.stderr.isTerminal(),
    write: (line) => console.log(line),
    now,
    count: options.count,
    durationMs,
  });
  const begun = now();
  const { counts, failure } = await runSimulation({
    simulation,
    target,
    first: 0,
    rate: options.rate,
    count: options.count,
    durationMs,
    stop,
    now,
    onNumber: (number) => marks.add(keeper.note(number)),
    tell: (line) => progress.tell(line),
    onProgress: (counts) => progress.update(counts),
  });
  progress.update(counts);
  progress.stop();
  for (const mark of keeper.open()) marks.add(mark);
  marks.close();
  await target.close();
  console.log(`${countsText(counts, now() - begun)}; ${marks.summary()}.`);
  if (failure !== undefined) {
    console.error(`plumbline: ${target.name} can't be sent to: ${failure}`);
  }
  return counts.unanswered === 0 ? exitCodes.done : exitCodes.failed;
}

/** Kafka's client is loaded only where it is needed. */
async function targetOf({ to, url }: SimulateOptions): Promise<Target> {
  const env = Deno.env.toObject();
  if (to === "http") return httpTarget(url ?? apiAddress(env), apiClient(env));
  const { kafkaTarget } = await import("./simulation_kafka.ts");
  return kafkaTarget({
    brokers: oneSetting(settings.brokers, env),
    security: readKafkaSecurity(env, (path) => Deno.readTextFileSync(path)),
    topic: oneSetting(settings.inputTopic, env),
  });
}

function settingsOf(options: SimulateOptions): SimulationSettings {
  const { devices, tenants, rate, speed, faults } = options;
  return {
    seed: options.seed ?? crypto.getRandomValues(new Uint32Array(1))[0],
    devices,
    tenants: Math.min(tenants, devices),
    start: options.start ?? Math.floor(Date.now() / 1000) * 1000,
    // In a second `rate` readings are sent; each device has its turn once in `devices` of them.
    stepMs: 1000 * speed * (rate === 0 ? 1 : devices / rate),
    faults,
  };
}

function introduction(
  { rate }: SimulateOptions,
  { simulation, target }: { simulation: Simulation; target: Target },
): string {
  const { seed, start, devices, tenants } = simulation.settings;
  const pace = rate === 0 ? "as many readings as it takes" : `${rate} readings a second`;
  return `${devices} devices of ${tenants} tenant${tenants === 1 ? "" : "s"} send ${pace} to ` +
    `${target.name}\nThe same again: --seed ${seed} --start ${new Date(start).toISOString()}`;
}

class MarksUnwritable extends Error {
  override readonly name = "MarksUnwritable";
}

/** The marks as NDJSON, each written when its fault is over; without a path they are only counted. */
class MarksFile {
  readonly #path: string | undefined;
  readonly #file: Deno.FsFile | undefined;
  readonly #counts = new Map<FaultKind, number>();

  constructor(path: string | undefined) {
    this.#path = path;
    if (path === undefined) return;
    try {
      this.#file = Deno.openSync(path, { write: true, create: true, truncate: true });
    } catch (error) {
      throw new MarksUnwritable(`writing marks to ${path}: ${(error as Error).message}`);
    }
  }

  add(mark: Mark | undefined): void {
    if (mark === undefined) return;
    this.#counts.set(mark.kind, (this.#counts.get(mark.kind) ?? 0) + 1);
    this.#file?.writeSync(new TextEncoder().encode(`${JSON.stringify(mark)}\n`));
  }

  close(): void {
    this.#file?.close();
  }

  summary(): string {
    const counts = [...this.#counts].map(([kind, count]) => `${kind} ${count}`);
    const where = this.#path === undefined ? "" : `, marked in ${this.#path}`;
    return counts.length === 0 ? "no faults" : `faults: ${counts.join(", ")}${where}`;
  }
}
