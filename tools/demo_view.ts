/** What the demo shows: one screen on a terminal, lines otherwise. */
import type { Seen, Unseen } from "./demo_faults.ts";

export interface Series {
  readonly count: number;
  readonly avg: number | null;
  readonly min: number | null;
  readonly max: number | null;
}

/** All that there is to see at a moment. */
export interface DemoState {
  readonly address: string;
  /** What the fleet is, in words. */
  readonly fleet: string;
  /** Simulated time, ms since 1970. */
  readonly time: number;
  /** Readings counted by the engine since its data folder is there. */
  readonly readings: number;
  /** Readings a second, of late. */
  readonly rate: number;
  /** Anomalies since this start. */
  readonly anomalies: number;
  /** Typical time from a reading to its result, ms. */
  readonly answerMs: number;
  readonly temperature: Series;
  readonly humidity: Series;
}

export interface View {
  /** A line that stays readable. */
  tell(line: string): void;
  seen(it: Seen): void;
  unseen(it: Unseen): void;
  update(state: DemoState): void;
  /** Gives the terminal back. */
  close(): void;
}

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

/** Lines as they come: for pipes, logs and CI. A summary now and then. */
export function lineView(write: (line: string) => void, everyMs: number): View {
  let last = -Infinity;
  return {
    tell: write,
    seen: (it) => write(seenText(it)),
    unseen: (it) => write(unseenText(it)),
    update(state) {
      const now = performance.now();
      if (now - last < everyMs) return;
      last = now;
      write(stateText(state));
    },
    close() {},
  };
}

export function seenText({ device, tenant, time, reason, kind }: Seen): string {
  return `anomaly: ${tenant}/${device} at ${clock(time)}: ${reason} (in truth: ${kind})`;
}

const unseenWords = { spike: "odd", drift: "drifting", stuck: "stuck", silence: "silent" };

export function unseenText({ mark, steps }: Unseen): string {
  const { kind, tenant, device, metric } = mark;
  const span = `${clock(Date.parse(mark.from))} to ${clock(Date.parse(mark.to))}`;
  return `not seen by range: ${unseenWords[kind]} sensor ${tenant}/${device}` +
    `${metric === undefined ? "" : ` (${metric})`}, ${span}, ${steps} readings`;
}

export function stateText(state: DemoState): string {
  const { readings, rate, temperature, humidity, anomalies } = state;
  return `${whole.format(readings)} readings, ${whole.format(rate)}/s; ` +
    `temperature ${spanText(temperature)} °C; humidity ${spanText(humidity)} %; ` +
    anomaliesText({ anomalies });
}

function anomaliesText({ anomalies }: { anomalies: number }): string {
  return anomalies === 1 ? "1 anomaly" : `${whole.format(anomalies)} anomalies`;
}

function spanText({ avg, min, max }: Series): string {
  return `${fixed(min)} to ${fixed(max)}, on average ${fixed(avg)}`;
}

/** One screen, drawn anew with every update, on the terminal's second page. */
export function screenView(
  terminal: { write: (text: string) => void; size: () => { columns: number; rows: number } },
): View {
  const lists = { told: [] as string[], seen: [] as Seen[], unseen: [] as Unseen[] };
  let open = false;
  return {
    tell(line) {
      if (open) lists.told.push(line);
      else terminal.write(`${line}\n`);
    },
    seen: (it) => void lists.seen.push(it),
    unseen: (it) => void lists.unseen.push(it),
    update(state) {
      if (!open) terminal.write("\x1b[?1049h\x1b[?25l");
      open = true;
      const lines = screenLines(state, { ...lists, ...terminal.size() });
      // Each line is cleared behind its text, and everything below the last: no flicker.
      terminal.write(`\x1b[H${lines.join("\x1b[K\n")}\x1b[K\x1b[J`);
    },
    close() {
      if (open) terminal.write("\x1b[?25h\x1b[?1049l");
      open = false;
      for (const line of lists.told.splice(0)) terminal.write(`${line}\n`);
    },
  };
}

export interface ScreenContent {
  readonly told: readonly string[];
  readonly seen: readonly Seen[];
  readonly unseen: readonly Unseen[];
  readonly columns: number;
  readonly rows: number;
}

/** As many lines as fit, none longer than the terminal is wide. */
export function screenLines(state: DemoState, content: ScreenContent): string[] {
  const head = [
    `Plumbline demo: ${state.address}   Ctrl-C stops it; the next start goes on`,
    `${state.fleet}, it is ${day(state.time)}`,
    "",
    `${whole.format(state.readings)} readings, ${whole.format(state.rate)}/s, each answered in ` +
    `${state.answerMs.toFixed(1)} ms; ${anomaliesText(state)} since the start`,
    "",
    `${"".padEnd(12)}${["count", "average", "min", "max"].map(cell).join("")}`,
    seriesLine("temperature", state.temperature),
    seriesLine("humidity", state.humidity),
    "",
  ];
  const foot = ["", `Try: curl ${state.address}/api/stats/device/${someDevice(content)}`];
  const room = Math.max(2, content.rows - head.length - foot.length - content.told.length - 3);
  const half = Math.floor(room / 2);
  const lines = [
    ...head,
    "Anomalies, as the detector range sees them",
    ...latest(content.seen, half).map((it) => `  ${seenText(it).replace(/^anomaly: /, "")}`),
    "",
    "Faults that range can't see, by the simulator's marks",
    ...latest(content.unseen, half).map((it) => `  ${unseenText(it).replace(/^.*?: /, "")}`),
    ...content.told.slice(-3),
    ...foot,
  ];
  return lines.slice(0, content.rows).map((line) => line.slice(0, content.columns));
}

function latest<T>(list: readonly T[], count: number): T[] {
  return count === 0 ? [] : list.slice(-count);
}

function someDevice({ seen }: ScreenContent): string {
  return seen.at(-1)?.device ?? "press-001";
}

function seriesLine(name: string, { count, avg, min, max }: Series): string {
  return name.padEnd(12) + [whole.format(count), ...[avg, min, max].map(fixed)].map(cell).join("");
}

function cell(text: string): string {
  return text.padStart(12);
}

function fixed(value: number | null): string {
  return value === null ? "-" : value.toFixed(2);
}

/** `14:31`, UTC. */
function clock(time: number): string {
  return new Date(time).toISOString().slice(11, 16);
}

function day(time: number): string {
  return `${new Date(time).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
