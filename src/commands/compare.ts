/** `plumbline compare`: an old engine's results beside Plumbline's. */
import { cliProgress } from "../../deps_cli.ts";
import { readKafkaSecurity } from "../config/config.ts";
import { ConfigFaults } from "../config/faults.ts";
import { settings } from "../config/settings.ts";
import { NotAllowed, parseTopic } from "../config/values.ts";
import { printable } from "../core/reading_reason.ts";
import { Comparer, Findings } from "../migration/comparison.ts";
import { ReadingTable } from "../migration/reading_table.ts";
import { type EnginesReport, isEqual, type Report } from "../migration/report.ts";
import { reportHtml } from "../migration/report_html.ts";
import { reportText } from "../migration/report_text.ts";
import { openTemporary, ResultTable } from "../migration/result_table.ts";
import { readFile, readTopic, type Take } from "../migration/source.ts";
import { oneSetting } from "./api_address.ts";
import { apiClient } from "./api_client.ts";
import { compareEngines, EngineAway } from "./compare_engines.ts";
import { exitCodes } from "./exit_codes.ts";
import { reasonOf } from "./reason.ts";

export interface CompareOptions {
  readonly json?: true;
  readonly html?: string;
  /** A topic or a file of readings. */
  readonly input?: string;
  readonly tolerance: number;
  /** Base addresses of both engines' HTTP: both or neither. */
  readonly oldUrl?: string;
  readonly newUrl?: string;
  /** s between two looks at their metrics. */
  readonly interval: number;
  /** ms since 1970. */
  readonly from?: number;
  readonly to?: number;
}

/** A side that can't be read, or a report that can't be written. */
class Unusable extends Error {
  override readonly name = "Unusable";
}

/** Each side is a topic's name or, with a `/` or `.ndjson` in it, a file's; the exit code. */
export async function compare(
  sides: { readonly old: string; readonly new: string },
  options: CompareOptions,
): Promise<number> {
  if ((options.oldUrl === undefined) !== (options.newUrl === undefined)) {
    console.error("plumbline: --old-url and --new-url go together: both engines are asked");
    return exitCodes.usage;
  }
  try {
    const report = await compared(sides, options);
    await write(report, options);
    return isEqual(report) ? exitCodes.done : exitCodes.failed;
  } catch (error) {
    if (!(error instanceof ConfigFaults || error instanceof Unusable)) throw error;
    console.error(`plumbline: ${error.message}`);
    return exitCodes.usage;
  }
}

async function compared(
  sides: { readonly old: string; readonly new: string },
  options: CompareOptions,
): Promise<Report> {
  const { input, tolerance, from, to } = options;
  using db = openTemporary(await Deno.makeTempFile({ prefix: "plumbline-compare-" }));
  const findings = new Findings();
  const comparer = new Comparer(new ResultTable(db), findings);
  const decoder = new TextDecoder();
  for (const side of ["old", "new"] as const) {
    const take = (value: Uint8Array) => comparer.add(side, decoder.decode(value));
    await read(sides[side], { what: `the ${side} results`, take });
  }
  const readings = input === undefined
    ? null
    : new ReadingTable(db, comparer.oldFormat ?? "plumbline");
  if (readings !== null) {
    await read(input!, { what: "the readings", take: (value) => readings.add(value) });
    readings.close();
  }
  const seconds = (ms: number | undefined) => ms === undefined ? undefined : ms / 1000;
  const engines = await lookAtEngines(options, findings);
  const comparison = comparer.finish({ tolerance, readings, from: seconds(from), to: seconds(to) });
  return { ...comparison, ...engines === undefined ? {} : { engines } };
}

async function lookAtEngines(
  { oldUrl, newUrl, interval: seconds, tolerance }: CompareOptions,
  findings: Findings,
): Promise<EnginesReport | undefined> {
  if (oldUrl === undefined || newUrl === undefined) return undefined;
  const isTerminal = Deno.stderr.isTerminal();
  try {
    return await compareEngines({
      old: oldUrl,
      new: newUrl,
      findings,
      tolerance,
      seconds,
      ask: apiClient(Deno.env.toObject()),
      show: (what) => isTerminal && console.error(`${what} …`),
    });
  } catch (error) {
    if (!(error instanceof EngineAway)) throw error;
    throw new Unusable(printable(error.message));
  }
}

async function read(place: string, { what, take }: { what: string; take: Take }): Promise<void> {
  const progress = bar();
  let shown = 0;
  progress?.start(1000, 0, { place });
  const taking: Take = (value, { done, total }) => {
    take(value, { done, total });
    const share = Math.floor(1000 * done / Math.max(1, total));
    if (share !== shown) progress?.update(shown = share, { place });
  };
  try {
    if (place.includes("/") || place.endsWith(".ndjson")) return await readFile(place, taking);
    const env = Deno.env.toObject();
    const access = {
      brokers: oneSetting(settings.brokers, env),
      security: readKafkaSecurity(env, (path) => Deno.readTextFileSync(path)),
      clientId: "plumbline-compare",
    };
    await readTopic(parseTopic(place), { access, take: taking });
  } catch (error) {
    if (error instanceof ConfigFaults) throw error;
    const reason = error instanceof NotAllowed ? `it ${error.message}` : reasonOf(error);
    throw new Unusable(`reading ${what} from ${place}: ${reason}`);
  } finally {
    progress?.stop();
  }
}

/** Only where a person is looking. */
function bar() {
  if (!Deno.stderr.isTerminal()) return undefined;
  const format = "{bar} {percentage} %  {place}";
  return new cliProgress.SingleBar(
    { format, barsize: 24, hideCursor: true, clearOnComplete: true },
    cliProgress.Presets.rect,
  );
}

async function write(report: Report, { json, html }: CompareOptions): Promise<void> {
  if (html !== undefined) {
    try {
      await Deno.writeTextFile(html, reportHtml(report));
    } catch (error) {
      throw new Unusable(`writing the report to ${html}: ${reasonOf(error)}`);
    }
  }
  console.log(json ? JSON.stringify(report, finite) : reportText(report));
}

/** Python's results may hold what JSON can't. */
function finite(_key: string, value: unknown): unknown {
  return typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
}
