/** `plumbline compare`: an old engine's results beside Plumbline's. */
import { ConfigFaults } from "../config/faults.ts";
import { printable } from "../core/reading_reason.ts";
import { Comparer, Findings } from "../migration/comparison.ts";
import { ReadingTable } from "../migration/reading_table.ts";
import { type EnginesReport, isEqual, type Report } from "../migration/report.ts";
import { reportHtml } from "../migration/report_html.ts";
import { reportText, roundText } from "../migration/report_text.ts";
import { openTemporary, ResultTable } from "../migration/result_table.ts";
import { apiClient } from "./api_client.ts";
import { compareEngines, EngineAway } from "./compare_engines.ts";
import { isFile, isSqlite, Place, Unusable } from "./compare_place.ts";
import { exitCodes } from "./exit_codes.ts";
import { reasonOf } from "./reason.ts";
import { Progress } from "./progress.ts";
import { print } from "./standard_output.ts";
import { pause, stopSignal } from "./stop_signal.ts";

export interface CompareOptions {
  readonly json?: true;
  readonly html?: string;
  /** A topic or a file of readings. */
  readonly input?: string;
  readonly tolerance: number;
  /** ms since 1970. */
  readonly from?: number;
  readonly to?: number;
  /** Base addresses of both engines' HTTP: both or neither. */
  readonly oldUrl?: string;
  readonly newUrl?: string;
  /** s: between two looks at their metrics, and between two reports while topics are followed. */
  readonly interval: number;
  readonly follow?: true;
  /** s that a result waits for its partner. */
  readonly wait: number;
}

/** Kept for longer than results wait: their partners may come late. */
const READINGS_KEPT = 10;

interface Parts {
  readonly old: Place;
  readonly new: Place;
  readonly input: Place | null;
  readonly comparer: Comparer;
  readonly findings: Findings;
  readonly readings: ReadingTable | null;
}

/** Each side is a topic's name or, with a `/` or `.ndjson` in it, a file's; the exit code. */
export async function compare(
  sides: { readonly old: string; readonly new: string },
  options: CompareOptions,
): Promise<number> {
  const fault = optionFault(sides, options);
  if (fault !== undefined) {
    console.error(`plumbline: ${fault}`);
    return exitCodes.usage;
  }
  try {
    using db = openTemporary();
    const findings = new Findings();
    const comparer = new Comparer(new ResultTable(db), findings);
    const readings = options.input === undefined ? null : new ReadingTable(db);
    await using old = new Place(sides.old, "the old results");
    await using now = new Place(sides.new, "the new results");
    await using input = options.input === undefined
      ? null
      : new Place(options.input, "the readings");
    const parts = { old, new: now, input, comparer, findings, readings };
    const report = options.follow ? await followed(parts, options) : await compared(parts, options);
    await write(report, options);
    return isEqual(report) ? exitCodes.done : exitCodes.failed;
  } catch (error) {
    if (!isTold(error)) throw error;
    console.error(`plumbline: ${messageOf(error)}`);
    return exitCodes.usage;
  }
}

function optionFault(
  sides: { readonly old: string; readonly new: string },
  { oldUrl, newUrl, follow, input }: CompareOptions,
): string | undefined {
  if ((oldUrl === undefined) !== (newUrl === undefined)) {
    return "--old-url and --new-url go together: both engines are asked";
  }
  const file = [sides.old, sides.new, input ?? ""].find(isFile);
  return follow && file !== undefined
    ? `--follow follows topics, and ${file} is a file`
    : undefined;
}

/** What the temporary database says of a full disk is told as well. */
function isTold(error: unknown): error is Error {
  return error instanceof ConfigFaults || error instanceof Unusable || isSqlite(error);
}

function messageOf(error: Error): string {
  return isSqlite(error)
    ? `joining the results in a temporary file (TMPDIR names its folder): ${error.message}`
    : error.message;
}

async function compared(parts: Parts, options: CompareOptions): Promise<Report> {
  await readAll(parts);
  const engines = await lookAtEngines(parts.findings, options);
  return { ...settle(parts, { options }), ...engines };
}

/** Until it is interrupted: reads on, and tells each interval what was found. */
async function followed(parts: Parts, options: CompareOptions): Promise<Report> {
  const stop = stopSignal();
  const rounds = Math.ceil(options.wait / options.interval);
  let trouble: string | undefined;
  for (let isFirst = true; !stop.aborted; isFirst = false) {
    try {
      await readAll(parts);
      if (trouble !== undefined) console.error("plumbline: it can be read again");
      trouble = undefined;
    } catch (error) {
      // What can't be read from the start on is a wrong name, most likely.
      if (isFirst || !(error instanceof Unusable)) throw error;
      if (trouble === undefined) console.error(`plumbline: ${error.message}; tried again`);
      trouble = error.message;
    }
    const until = parts.comparer.round - rounds;
    const report = settle(parts, { options, until });
    parts.readings?.forget(until - READINGS_KEPT * rounds);
    const line = options.json ? JSON.stringify(report, finite) : roundText(report);
    if (!print(`${line}\n`)) break;
    if (options.html !== undefined) await writeHtml(report, options.html);
    await pause(options.interval * 1000, stop);
  }
  const engines = await lookAtEngines(parts.findings, options);
  return { ...settle(parts, { options, until: parts.comparer.round - rounds }), ...engines };
}

/** Readings last: what they are for comes before them, so none of them is missing. */
async function readAll({ old, new: now, input, comparer, readings }: Parts): Promise<void> {
  const decoder = new TextDecoder();
  await old.read((value) => comparer.add("old", decoder.decode(value)));
  await now.read((value) => comparer.add("new", decoder.decode(value)));
  const { oldFormat: format, round } = comparer;
  // Without any results of the old engine nobody knows what it makes of a reading.
  if (format !== undefined) await input?.read((value) => readings!.add(value, { format, round }));
  readings?.makeIndex();
}

function settle(
  { comparer, readings }: Parts,
  { options: { tolerance, from, to }, until }: { options: CompareOptions; until?: number },
): Report {
  const seconds = (ms: number | undefined) => ms === undefined ? undefined : ms / 1000;
  const bounds = { from: seconds(from), to: seconds(to) };
  // A round has little to join.
  if (until !== undefined) return comparer.settle({ tolerance, readings, until, ...bounds });
  using progress = new Progress("joining");
  const { old, new: now } = comparer.results;
  const show = (pairs: number) => progress.show(pairs, Math.min(old, now));
  return comparer.settle({ tolerance, readings, show, ...bounds });
}

async function lookAtEngines(
  findings: Findings,
  { oldUrl, newUrl, interval: seconds, tolerance }: CompareOptions,
): Promise<{ engines?: EnginesReport }> {
  if (oldUrl === undefined || newUrl === undefined) return {};
  const isTerminal = Deno.stderr.isTerminal();
  try {
    const engines = await compareEngines({
      old: oldUrl,
      new: newUrl,
      findings,
      tolerance,
      seconds,
      ask: apiClient(Deno.env.toObject()),
      show: (what) => isTerminal && console.error(`${what} …`),
    });
    return { engines };
  } catch (error) {
    if (!(error instanceof EngineAway)) throw error;
    throw new Unusable(printable(error.message));
  }
}

async function write(report: Report, { json, html }: CompareOptions): Promise<void> {
  if (html !== undefined) await writeHtml(report, html);
  print(`${json ? JSON.stringify(report, finite) : reportText(report)}\n`);
}

async function writeHtml(report: Report, path: string): Promise<void> {
  try {
    await Deno.writeTextFile(path, reportHtml(report));
  } catch (error) {
    throw new Unusable(`writing the report to ${path}: ${reasonOf(error)}`);
  }
}

/** Python's results may hold what JSON can't. */
function finite(_key: string, value: unknown): unknown {
  return typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
}
