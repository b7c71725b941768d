/** A result as people read it, in one line. Names came from outside: they can't steer the terminal. */
import { printable } from "../core/reading_reason.ts";

/** As much of a result as is shown. */
interface Result {
  readonly device_id: string;
  readonly temperature?: number;
  readonly humidity?: number;
  readonly metrics?: Readonly<Record<string, number>>;
  readonly processed_at: string;
  readonly tenant_id: string;
  readonly is_anomaly: boolean;
  readonly anomaly_score: number;
  readonly reasons?: readonly { readonly metric: string; readonly detail: string }[];
}

const RED = "\u001b[31m", DIM = "\u001b[2m", PLAIN = "\u001b[0m";

/**
 * `07:17:36.324Z  north/press-7  temperature 35.2  humidity 90.5  score 2  temperature: 35.2 is above 30`,
 * an anomaly with `anomaly` in front of its score. Throws where the text is no result.
 */
export function resultLine(text: string, options: { colours: boolean }): string {
  const { processed_at, tenant_id, device_id, is_anomaly, anomaly_score, ...rest } = JSON
    .parse(text) as Result;
  const coloured = (code: string, it: string) => options.colours ? `${code}${it}${PLAIN}` : it;
  const values = Object.entries({
    temperature: rest.temperature,
    humidity: rest.humidity,
    ...rest.metrics,
  }).flatMap(([name, value]) => value === undefined ? [] : [`${name} ${value}`]);
  const reasons = (rest.reasons ?? []).map(({ metric, detail }) => `${metric}: ${detail}`);
  const score = `${is_anomaly ? "anomaly, " : ""}score ${anomaly_score}`;
  return [
    coloured(DIM, printable(timeOf(processed_at))),
    `${printable(tenant_id)}/${printable(device_id)}`,
    ...values.map(printable),
    ...[score, reasons.join("; ")].filter((it) => it !== "")
      .map((it) => is_anomaly ? coloured(RED, printable(it)) : printable(it)),
  ].join("  ");
}

/** Without the day: it is now. */
function timeOf(text: string): string {
  return text.replace(/^\d{4}-\d\d-\d\dT/, "");
}

/** What a gap says, in words. Throws where the text is none. */
export function gapLine(text: string): string {
  const { reason, missed } = JSON.parse(text) as { reason: string; missed: number | null };
  if (reason === "unknown id") {
    return "the engine's data folder isn't the one that was read from; what it keeps follows";
  }
  const many = missed === null
    ? "results"
    : missed === 1
    ? "1 result (of all devices)"
    : `${missed} results (of all devices)`;
  return `${many} since then ${missed === 1 ? "isn't" : "aren't"} kept any more`;
}
