/** How a simulation gets on: a bar where a person is looking, otherwise a line now and then. */
import { cliProgress } from "../../deps_cli.ts";
import type { Counts } from "./simulation_run.ts";

export interface Progress {
  /** A line that stays. */
  tell(line: string): void;
  update(counts: Counts): void;
  /** No more updates: the bar's last state stays, lines go on behind it. */
  stop(): void;
}

export interface ProgressOptions {
  readonly terminal: boolean;
  readonly write: (line: string) => void;
  /** ms. */
  readonly now: () => number;
  /** What the bar is full at; neither: there is no end. */
  readonly count?: number;
  readonly durationMs?: number;
}

const LINE_MS = 10_000;
const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

export function createProgress(options: ProgressOptions): Progress {
  return options.terminal ? barProgress(options) : lineProgress(options);
}

function lineProgress({ write, now }: ProgressOptions): Progress {
  const begun = now();
  let told = begun;
  return {
    tell: write,
    update(counts) {
      if (now() - told < LINE_MS) return;
      told = now();
      write(countsText(counts, now() - begun));
    },
    stop() {},
  };
}

function barProgress({ now, count, durationMs }: ProgressOptions): Progress {
  const begun = now();
  const endless = count === undefined && durationMs === undefined;
  const bars = new cliProgress.MultiBar({
    format: endless ? "{text}" : "{bar} {percentage} %  {text}",
    hideCursor: true,
    barsize: 24,
    gracefulExit: false,
  }, cliProgress.Presets.rect);
  const bar = bars.create(1000, 0, { text: "" });
  return {
    tell: (line) => bars.log(`${line}\n`),
    update(counts) {
      const elapsed = now() - begun;
      const done = Math.max(counts.sent / (count ?? Infinity), elapsed / (durationMs ?? Infinity));
      bar.update(Math.min(1000, Math.floor(1000 * done)), { text: countsText(counts, elapsed) });
    },
    stop: () => bars.stop(),
  };
}

/** `1,200 sent, 1,199 accepted, 1 rejected, 100/s`. */
export function countsText(counts: Counts, elapsedMs: number): string {
  const { sent, accepted, rejected, unanswered } = counts;
  const parts = [`${whole.format(sent)} sent`, `${whole.format(accepted)} accepted`];
  if (rejected > 0) parts.push(`${whole.format(rejected)} rejected`);
  if (unanswered > 0) parts.push(`${whole.format(unanswered)} without an answer`);
  parts.push(`${whole.format(accepted / Math.max(0.001, elapsedMs / 1000))}/s`);
  return parts.join(", ");
}
