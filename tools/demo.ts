/**
 * `deno task demo`: Plumbline without Kafka, and a simulated fleet that feeds it over HTTP. What comes in
 * goes the whole road: SQLite, windows, detection. Ctrl-C stops both; the next start goes on.
 *
 * `METRICS_PORT` (8000; another one if it is taken) and `DATA_DIR` (./data/demo) can be set. Exit codes
 * are the engine's; 0 after Ctrl-C.
 */
import { oneSetting } from "../src/commands/api_address.ts";
import { exitCodes } from "../src/commands/exit_codes.ts";
import { runSimulation } from "../src/commands/simulation_run.ts";
import { singlesTarget } from "../src/commands/simulation_http.ts";
import { pause, stopSignal } from "../src/commands/stop_signal.ts";
import { ConfigFaults } from "../src/config/faults.ts";
import { settings } from "../src/config/settings.ts";
import { faultKinds } from "../src/simulation/faults.ts";
import { Simulation } from "../src/simulation/simulation.ts";
import { choosePort, type DemoEngine, EngineFailed, startEngine } from "./demo_engine.ts";
import { FaultWatch, type Result } from "./demo_faults.ts";
import { Latest, Speedometer } from "./demo_figures.ts";
import { PlaceFile } from "./demo_place.ts";
import {
  type DemoState,
  lineView,
  screenView,
  type Series,
  stateText,
  type View,
} from "./demo_view.ts";

const DEVICES = 100;
const TENANTS = 3;
const RATE = 300;
/** A simulated day takes a little less than five minutes. */
const SPEED = 300;
/** A device's readings before the first that is sent: faults are under way by then. */
const STEPS_BEFORE = 200;
const SCREEN_MS = 500;
const LINES_MS = 5_000;
/** Answers that the typical time is taken from. */
const ANSWERS = 500;

async function main(): Promise<number> {
  const stop = stopSignal();
  const view = Deno.stdout.isTerminal()
    ? screenView({ write: writeNow, size: () => Deno.consoleSize() })
    : lineView((line) => console.log(line), LINES_MS);
  const dataDir = Deno.env.get("DATA_DIR") || "./data/demo";
  let engine: DemoEngine | undefined;
  try {
    const wished = oneSetting(settings.port, Deno.env.toObject());
    const port = await choosePort(wished);
    if (wished > 0 && port !== wished) view.tell(`Port ${wished} is taken; using ${port}.`);
    engine = await startEngine({ dataDir, port, tell: (line) => view.tell(line) });
    await feed(engine, { place: new PlaceFile(dataDir, STEPS_BEFORE * DEVICES), view, stop });
    console.log("Stopping.");
    return await engine.stop();
  } catch (error) {
    if (error instanceof ConfigFaults) return failed(error.message, exitCodes.usage);
    if (error instanceof EngineFailed) return failed(error.message, error.code);
    throw error;
  } finally {
    view.close();
    await engine?.stop();
  }
}

function failed(message: string, code: number): number {
  console.error(message);
  return code;
}

/** Sends the fleet's readings to the engine until the signal, and shows what comes of it. */
async function feed(
  engine: DemoEngine,
  { place, view, stop }: { place: PlaceFile; view: View; stop: AbortSignal },
): Promise<void> {
  const { seed, start, next: first } = place.place;
  const simulation = new Simulation({
    seed,
    start,
    devices: DEVICES,
    tenants: TENANTS,
    stepMs: 1000 * SPEED * DEVICES / RATE,
    // Spikes are what `range` is for: half of the faults shall be some.
    faults: [...faultKinds, "spike", "spike"],
  });
  const watch = new FaultWatch(simulation, view);
  const answers = new Latest(ANSWERS);
  const target = singlesTarget(engine.address, (reading, { result, ms }) => {
    answers.add(ms);
    // Without a result it was sampled out: the demo's tenants don't do that, yours may.
    if (result !== undefined) watch.result(reading, result as Result);
  });
  const fleet = `${DEVICES} devices of ${TENANTS} tenants; a simulated day takes ` +
    `${Math.round(1440 / SPEED)} minutes`;
  const speedometer = new Speedometer();

  async function look(): Promise<DemoState> {
    const response = await fetch(`${engine.address}/api/stats?readings=false&limit=1`);
    const { data, processing } = await response.json();
    const { temperature, humidity }: Record<string, Series> = data;
    const readings: number = processing.messages_processed;
    return {
      address: engine.address,
      fleet,
      time: simulation.timeOf(place.place.next),
      readings,
      rate: speedometer.read(readings),
      anomalies: watch.anomalies,
      answerMs: answers.median(),
      temperature,
      humidity,
    };
  }

  const gone = new AbortController();
  let end: { code: number; errors: string } | undefined;
  engine.ended.then((it) => {
    end = it;
    gone.abort();
  });
  const over = new AbortController();
  const until = AbortSignal.any([stop, gone.signal, over.signal]);
  const before = await look();
  view.tell(`Plumbline runs on ${engine.address}, fed by ${fleet}.`);
  view.tell(
    before.readings === 0
      ? "Nothing is stored yet. Ctrl-C stops it; the next start goes on from there."
      : `Going on where it stopped: ${stateText(before)}.`,
  );
  const shown = show(view, { look, until, place });
  const { failure } = await runSimulation({
    simulation,
    target,
    first,
    rate: RATE,
    stop: AbortSignal.any([stop, gone.signal]),
    now: () => performance.now(),
    onNumber: (number) => watch.number(number),
    tell: (line) => view.tell(line),
    onProgress({ next }) {
      watch.settled();
      place.place.next = next;
    },
  });
  over.abort();
  await shown;
  place.save();
  if (end !== undefined) throw new EngineFailed({ ...end, code: end.code || 1 });
  if (failure !== undefined) throw new EngineFailed({ code: 1, errors: failure });
  const after = await look();
  view.close();
  view.tell(`${stateText(after)}.`);
}

/** Updates the view now and then. */
async function show(
  view: View,
  { look, until, place }: { look: () => Promise<DemoState>; until: AbortSignal; place: PlaceFile },
): Promise<void> {
  for (;;) {
    await pause(SCREEN_MS, until);
    if (until.aborted) return;
    try {
      view.update(await look());
    } catch {
      // No answer: the fleet says so, and whether the engine has ended is seen elsewhere.
    }
    place.save();
  }
}

function writeNow(text: string): void {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
}

Deno.exit(await main());
