/**
 * `deno task bench [road] [journal] [pieces] [restart] [idle] [latency] [storage] [http] [backlog]
 * [anomalies] [fleet] [flood] [--runs=3] [--readings=1000000] [--verify] [--backlog-mib=1024] [--row-kib=900]
 * [--tenants=10000] [--devices=10] [--rounds=110] [--places=2]`: measures the
 * program as users run it, against a broker of its own. Without a name all of them are measured. Rounds
 * alternate, so that a noisy minute doesn't hit one measurement alone.
 *
 * `deno task bench compare <commit> [<commit>] [--runs=7] [--readings=1000000]`: CPU time a reading of two
 * commits on the whole road; without a second one, of the files as they are.
 */
import { type BacklogSize, measureBacklog } from "./backlog.ts";
import { compareCommits } from "./compare.ts";
import { type FilledFleet, fillFleet, type FleetLoad, measureFleet } from "./fleet.ts";
import { measureHttp, measureReaders } from "./http.ts";
import { measureIdle } from "./idle.ts";
import { measureJournal } from "./journal.ts";
import { measureLatency } from "./latency.ts";
import { describeMachine, loadNow } from "./machine.ts";
import { measurePieces } from "./pieces.ts";
import { measureRestart } from "./restart.ts";
import { type Filled, fillInput, measureFlood, measureRoad } from "./road.ts";
import { openStage, type Stage } from "./stage.ts";
import { measureStorage } from "./storage.ts";
import { type Figures, table } from "./table.ts";

interface Plan {
  readonly names: readonly string[];
  readonly runs: number;
  readonly readings: number;
  readonly verify: boolean;
  readonly backlog: BacklogSize;
  readonly fleet: FleetLoad;
}

interface Context {
  /** A broker, started when it is first asked for. */
  stage(): Promise<Stage>;
  readonly readings: number;
  readonly verify: boolean;
  readonly backlog: BacklogSize;
  /** The topic full of readings; made when it is first asked for. */
  input(): Promise<Filled>;
  /** The same for a fleet of many tenants. */
  fleetInput(): Promise<FilledFleet>;
}

const print = (line: string) => console.log(line);

const MEASUREMENTS: Record<string, Record<string, (context: Context) => Promise<Figures>>> = {
  road: {
    "The whole road": async ({ stage, verify, input }) =>
      measureRoad(await stage(), { input: await input(), verify, print }),
  },
  anomalies: {
    "Every reading an anomaly": async ({ stage, input }) =>
      measureFlood(await stage(), { input: await input(), marked: true, print }),
    "The same, none marked": async ({ stage, input }) =>
      measureFlood(await stage(), { input: await input(), marked: false, print }),
  },
  journal: {
    "Engine and journal without Kafka": ({ readings }) => measureJournal(readings),
  },
  pieces: { "What the fast pieces earn": () => Promise.resolve(measurePieces()) },
  restart: {
    "Restart after a kill": async ({ stage, input }) =>
      measureRestart(await stage(), await input()),
  },
  idle: { "Idle": async ({ stage }) => measureIdle(await stage()) },
  latency: {
    "Latency at 1,000/s": async ({ stage }) => measureLatency(await stage(), 1_000),
    "Latency at 10,000/s": async ({ stage }) => measureLatency(await stage(), 10_000),
  },
  flood: {
    "Latency at 1,000/s alone": async ({ stage }) => measureLatency(await stage(), 1_000),
    "Latency at 1,000/s beside a tenant at ten times its quota": async ({ stage }) =>
      measureLatency(await stage(), 1_000, { perSecond: 10_000, allowed: 1_000 }),
  },
  storage: {
    "Storage service": async ({ stage, input }) => measureStorage(await stage(), await input()),
  },
  fleet: {
    "Many tenants": async ({ stage, fleetInput }) =>
      measureFleet(await stage(), await fleetInput()),
  },
  backlog: { "Start with a backlog": ({ backlog }) => measureBacklog(backlog) },
  http: {
    "HTTP alone": () => measureHttp(),
    "200 readers at 50,000 readings/s": async ({ stage }) => measureReaders(await stage()),
  },
};

function plan(args: readonly string[]): Plan {
  const names = args.filter((arg) => !arg.startsWith("--"));
  const unknown = names.filter((name) => !Object.hasOwn(MEASUREMENTS, name));
  if (unknown.length > 0) {
    const known = Object.keys(MEASUREMENTS).join(", ");
    throw new Error(`Measure ${unknown.join(", ")}: expected some of ${known}`);
  }
  return {
    names: names.length > 0 ? names : Object.keys(MEASUREMENTS),
    runs: numberOf(args, { name: "runs", otherwise: 3 }),
    readings: numberOf(args, { name: "readings", otherwise: 1_000_000 }),
    verify: args.includes("--verify"),
    backlog: {
      bytes: numberOf(args, { name: "backlog-mib", otherwise: 1024 }) * 1024 ** 2,
      rowBytes: numberOf(args, { name: "row-kib", otherwise: 900 }) * 1024,
    },
    fleet: {
      tenants: numberOf(args, { name: "tenants", otherwise: 10_000 }),
      devices: numberOf(args, { name: "devices", otherwise: 10 }),
      rounds: numberOf(args, { name: "rounds", otherwise: 110 }),
      places: numberOf(args, { name: "places", otherwise: 2 }),
    },
  };
}

function numberOf(args: readonly string[], option: { name: string; otherwise: number }): number {
  const text = args.find((arg) => arg.startsWith(`--${option.name}=`))?.split("=")[1];
  const value = Number(text ?? option.otherwise);
  if (Number.isInteger(value) && value > 0) return value;
  throw new Error(`Read --${option.name}: expected a whole number above 0, got ${text}`);
}

async function run({ names, runs, readings, verify, backlog, fleet }: Plan): Promise<void> {
  print(describeMachine());
  await using broker = new AsyncDisposableStack();
  let opened: Promise<Stage> | undefined;
  const stage = () => opened ??= openStage().then((it) => broker.use(it));
  let filled: Promise<Filled> | undefined;
  const input = () => filled ??= stage().then((it) => fillInput(it, readings));
  let filledFleet: Promise<FilledFleet> | undefined;
  const fleetInput = () => filledFleet ??= stage().then((it) => fillFleet(it, fleet));
  const results = new Map<string, Figures[]>();
  for (let round = 1; round <= runs; round++) {
    for (const [title, measure] of names.flatMap((name) => Object.entries(MEASUREMENTS[name]))) {
      print(`${title}, run ${round} of ${runs}, load ${loadNow()}`);
      const figures = await measure({ stage, readings, verify, backlog, input, fleetInput });
      results.set(title, [...results.get(title) ?? [], figures]);
      print(table("", [figures]).trimStart());
    }
  }
  print(`\nMedians of ${runs} runs, ${readings} readings, load ${loadNow()}`);
  for (const [title, figures] of results) print(table(title, figures));
}

const [command, ...commits] = Deno.args.filter((arg) => !arg.startsWith("--"));
if (command === "compare") {
  const runs = numberOf(Deno.args, { name: "runs", otherwise: 7 });
  const readings = numberOf(Deno.args, { name: "readings", otherwise: 1_000_000 });
  print(describeMachine());
  await compareCommits(commits, { runs, readings, print });
} else {
  await run(plan(Deno.args));
}
