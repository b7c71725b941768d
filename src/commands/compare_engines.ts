/** Asks both engines for statistics and metrics, and brings them together. */
import type { Findings } from "../migration/comparison.ts";
import {
  type Answer,
  type EngineStatistics,
  isUnreadable,
  readDevice,
  readStatistics,
  type Unreadable,
} from "../migration/engine_statistics.ts";
import { reasons, unexplained } from "../migration/reasons.ts";
import type { EnginesReport } from "../migration/report.ts";
import { StatisticsComparer } from "../migration/statistics_comparison.ts";
import { type Ask, tokenHint } from "./api_client.ts";
import { engineFigures, type FiguresLook } from "./engine_figures.ts";
import { readMetrics } from "./metrics_text.ts";
import { reasonOf } from "./reason.ts";
import { size } from "./size.ts";

export interface EnginesOptions {
  readonly old: string;
  readonly new: string;
  readonly findings: Findings;
  readonly tolerance: number;
  /** Between the two looks at the metrics. */
  readonly seconds: number;
  /** How Plumbline is asked: it may want a token. */
  readonly ask: Ask;
  /** Is told what is being done. */
  readonly show: (what: string) => void;
}

/** An engine that doesn't answer, or doesn't let us in. */
export class EngineAway extends Error {
  override readonly name = "EngineAway";
}

const TIMEOUT_MS = 30_000;
const MAX_ANSWER = 64 << 20;
const PAGE = 1000;
/** Devices that are asked for one by one. */
const ASKED = 20;
const NO_DEVICE = "plumbline-compare-no-such-device";

interface Engine {
  readonly side: "old" | "new";
  readonly address: string;
  readonly ask: Ask;
}

/** Rejects with `EngineAway`. The old engine is asked for all its statistics once: that can end it. */
export async function compareEngines(options: EnginesOptions): Promise<EnginesReport> {
  const { findings, tolerance, seconds, show } = options;
  const old: Engine = { side: "old", address: options.old, ask: (url, init) => fetch(url, init) };
  const now: Engine = { side: "new", address: options.new, ask: options.ask };
  const looks = () => Promise.all([old, now].map((engine) => metricsOf(engine)));
  show("looking at the engines' metrics");
  const before = await looks();
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const after = await looks();
  const [oldFigures, newFigures] = before.map((look, i) => engineFigures(look, after[i]));
  const moving = [oldFigures, newFigures].some(({ per_second, lag }) =>
    (per_second ?? 0) > 0 || (lag ?? 0) > 0
  );
  show("asking for the engines' statistics");
  const statistics = await statisticsOf(old);
  const comparer = new StatisticsComparer(statistics, { findings, tolerance, moving });
  const names: string[] = [];
  let next: string | null = null;
  for (let isFirst = true; isFirst || next !== null; isFirst = false) {
    const page: EngineStatistics | Unreadable = await statisticsOf(now, next);
    if (isUnreadable(page)) {
      comparer.unreadable("new", page);
      break;
    }
    if (isFirst) names.push(...page.devices.keys());
    comparer.page(page, { isFirst });
    next = page.next;
  }
  comparer.finish();
  if (!isUnreadable(statistics) || statistics.reason !== reasons.noStatistics) {
    const step = Math.max(1, Math.ceil(names.length / ASKED));
    // A device of several tenants is named with one; the old engines can't be asked for a slash.
    const asked = names.filter((name, i) => i % step === 0 && !name.includes("/"));
    await compareDevices([...asked, NO_DEVICE], { old, now, comparer, findings });
  }
  return {
    addresses: { old: old.address, new: now.address },
    seconds,
    moving,
    devices: comparer.counts,
    figures: { old: oldFigures, new: newFigures },
  };
}

/** One by one: an old engine that doesn't answer in time isn't asked for more. */
async function compareDevices(
  devices: readonly string[],
  { old, now, comparer, findings }: {
    old: Engine;
    now: Engine;
    comparer: StatisticsComparer;
    findings: Findings;
  },
): Promise<void> {
  for (const device of devices) {
    const path = `/api/stats/device/${encodeURIComponent(device)}`;
    const [a, b] = [await answerOf(old, path), await answerOf(now, path)];
    const [before, after] = [readDevice(a, { side: "old" }), readDevice(b, { side: "new" })];
    if (before === null && after === null) {
      if (sameMessage(a, b)) continue;
      const texts = { old: a.text.slice(0, 200), new: b.text.slice(0, 200) };
      findings.add(unexplained("the answers for an unknown device differ"), { device, ...texts });
      continue;
    }
    const isOld = before === null || !isUnreadable(before);
    const isNew = after === null || !isUnreadable(after);
    if (!isOld) comparer.unreadable("old", { ...before, device });
    if (!isNew) comparer.unreadable("new", { ...after, device });
    if (isOld && isNew) comparer.answers(device, before, after);
  }
}

/** Members may stand in any order. */
function sameMessage(a: Answer, b: Answer): boolean {
  try {
    const [old, now] = [JSON.parse(a.text), JSON.parse(b.text)];
    return old.message === now.message && old.status === now.status;
  } catch {
    return false;
  }
}

async function metricsOf(engine: Engine): Promise<FiguresLook> {
  const { status, text } = await answerOf(engine, "/metrics");
  return { at: performance.now(), samples: status === 200 ? readMetrics(text) : null };
}

async function statisticsOf(
  engine: Engine,
  after: string | null = null,
): Promise<EngineStatistics | Unreadable> {
  const { side } = engine;
  const page = after === null ? "" : `&after=${encodeURIComponent(after)}`;
  const query = side === "old" ? "" : `?limit=${PAGE}${page}`;
  const answer = await answerOf(engine, `/api/stats${query}`);
  if (answer.text.length > MAX_ANSWER) {
    return { reason: reasons.unbounded, answer: `more than ${size(MAX_ANSWER)}, left unread` };
  }
  return readStatistics(answer, { side });
}

/** Of a longer text only the beginning. */
async function answerOf({ side, address, ask }: Engine, path: string): Promise<Answer> {
  const who = side === "old" ? "the old engine" : "Plumbline";
  try {
    const response = await ask(`${address}${path}`, {
      signal: AbortSignal.timeout(TIMEOUT_MS),
      redirect: "manual",
    });
    const text = await textOf(response);
    if (response.status === 401 || response.status === 403) {
      throw new EngineAway(
        `asking ${who} at ${address}${path}: status ${response.status}` +
          (side === "new" ? tokenHint(response.status) : ""),
      );
    }
    return { status: response.status, text };
  } catch (error) {
    if (error instanceof EngineAway) throw error;
    throw new EngineAway(`asking ${who} at ${address}${path}: ${reasonOf(error)}`);
  }
}

async function textOf(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > MAX_ANSWER) break;
  }
  return text + decoder.decode();
}
