/** An engine's figures as people read them: a screen, or a line. Names in it can't steer the terminal. */
import { printable } from "../core/reading_reason.ts";
import { columns } from "./columns.ts";
import { counted } from "./counted.ts";
import type { Size } from "./screen.ts";
import { size } from "./size.ts";
import type { Figures, Quantiles, SinkFigures, TenantFigures } from "./top_figures.ts";

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

interface Line {
  readonly text: string;
  readonly tone?: Tone;
}

type Tone = "bad" | "good" | "heading";

const TONES: Readonly<Record<Tone, string>> = {
  bad: "\x1b[31m",
  good: "\x1b[32m",
  heading: "\x1b[2m",
};
const PLAIN = "\x1b[0m";

/** All lines of a screen, fewer than it has rows, none wider than it is. */
export function screenLines(
  figures: Figures,
  of: Size & { address: string; colours: boolean },
): string[] {
  const { rows, columns: width, address, colours } = of;
  const lines = [
    ...stateLines(figures, address),
    ...rateLines(figures),
    ...sinkLines(figures.sinks),
    ...holdLines(figures),
  ];
  const room = rows - 1 - lines.length;
  // A blank line, a heading, and a tenant at least.
  if (room > 2) lines.push(...tenantLines(figures, room - 2));
  return lines.slice(0, Math.max(1, rows - 1)).map(({ text, tone }) => {
    const fitting = cut(text, width);
    return colours && tone !== undefined ? `${TONES[tone]}${fitting}${PLAIN}` : fitting;
  });
}

function stateLines(figures: Figures, address: string): Line[] {
  const version = figures.version === null ? "" : ` ${printable(figures.version)}`;
  const state = stateOf(figures);
  return [
    { text: `plumbline${version} on ${address}, up ${duration(figures.uptime_seconds)}` },
    { text: state, tone: state === "ready" ? "good" : "bad" },
    { text: "" },
  ];
}

function rateLines(figures: Figures): Line[] {
  const { per_second: rates } = figures;
  return columns([
    ["read", `${rate(rates.read)}/s`, `lag ${lagText(figures)}`],
    ["results", `${rate(rates.results)}/s`, `latency ${quantilesText(figures.latency_ms)}`],
    ["rejected", `${rate(rates.rejected)}/s`, `dead letters ${number(figures.dead_letters)}`],
    ["commits", `${rate(rates.commits)}/s`, quantilesText(figures.commit_ms)],
  ]).split("\n").map((text) => ({ text }));
}

function sinkLines(sinks: readonly SinkFigures[]): Line[] {
  if (sinks.length === 0) return [];
  const rows = columns([["sink", "", "waits", "", "oldest", "dropped"], ...sinks.map(sinkRow)]);
  return [
    { text: "" },
    ...rows.split("\n").map((text, i): Line => {
      if (i === 0) return { text, tone: "heading" };
      return sinks[i - 1].connected ? { text } : { text, tone: "bad" };
    }),
  ];
}

function holdLines(figures: Figures): Line[] {
  const { memory_bytes, heap_bytes, devices_in_memory, store_bytes, disk_free_bytes } = figures;
  return [
    { text: "" },
    {
      text: `memory ${bytes(memory_bytes)}, heap ${bytes(heap_bytes)}, ` +
        `${number(devices_in_memory)} devices in it; database ${bytes(store_bytes)}, ` +
        `${bytes(disk_free_bytes)} free on its disk`,
    },
  ];
}

/** Busiest beside slowest; the time is that within which 99 of 100 of its readings were committed. */
function tenantLines({ busiest_tenants, slowest_tenants }: Figures, most: number): Line[] {
  if (busiest_tenants.length === 0) return [];
  const rows: string[][] = [["busiest tenants", "", "p99", "slowest tenants", "p99"]];
  for (let i = 0; i < Math.min(most, busiest_tenants.length); i++) {
    rows.push([...busyCells(busiest_tenants[i]), ...slowCells(slowest_tenants[i])]);
  }
  const [heading, ...others] = columns(rows).split("\n");
  return [
    { text: "" },
    { text: heading, tone: "heading" },
    ...others.map((text) => ({ text })),
  ];
}

function busyCells({ tenant_id, per_second, p99_ms }: TenantFigures): string[] {
  return [cut(printable(tenant_id), 30), `${rate(per_second)}/s`, ms(p99_ms)];
}

function slowCells(tenant: TenantFigures | undefined): string[] {
  return tenant === undefined ? [] : [cut(printable(tenant.tenant_id), 30), ms(tenant.p99_ms)];
}

function sinkRow(it: SinkFigures): string[] {
  const share = it.limit_bytes === null ? "" : ` of ${size(it.limit_bytes)}`;
  return [
    printable(it.sink),
    it.connected ? "connected" : "away",
    counted(it.rows, "row"),
    `${size(it.bytes)}${share}`,
    it.rows === 0 ? "-" : duration(it.oldest_seconds),
    whole.format(it.dropped),
  ];
}

/** One line, for logs and pipes. */
export function figuresLine(figures: Figures, time: string): string {
  const { per_second: rates, commit_ms } = figures;
  const sinks = figures.sinks.map((it) =>
    `${printable(it.sink)} ${it.connected ? "" : "away, "}${counted(it.rows, "row")} waiting`
  );
  return [
    `${time} ${stateOf(figures)}`,
    `read ${rate(rates.read)}/s`,
    `results ${rate(rates.results)}/s`,
    `lag ${lagText(figures)}`,
    `commit ${quantilesText(commit_ms)}`,
    ...sinks,
    `dead letters ${number(figures.dead_letters)}`,
    `memory ${bytes(figures.memory_bytes)}`,
  ].join("; ");
}

function stateOf({ ready, live, reason, paused }: Figures): string {
  if (!live) return `NOT ALIVE: ${printable(reason ?? "")}`;
  if (!ready) return `NOT READY: ${printable(reason ?? "")}`;
  return paused.length > 0 ? `paused: ${paused.map(printable).join(", ")}` : "ready";
}

function lagText({ lag, partitions }: Figures): string {
  if (lag === null) return "-";
  return `${whole.format(lag)} in ${counted(partitions, "partition")}`;
}

function quantilesText({ p50, p99 }: Quantiles): string {
  return p50 === null ? "-" : `${ms(p50)}, p99 ${ms(p99)}`;
}

function ms(value: number | null): string {
  if (value === null) return "-";
  return value < 10 ? `${value.toFixed(1)} ms` : `${whole.format(value)} ms`;
}

function rate(value: number | null): string {
  return value === null ? "-" : value > 0 && value < 10 ? value.toFixed(1) : whole.format(value);
}

function number(value: number | null): string {
  return value === null ? "-" : whole.format(value);
}

function bytes(value: number | null): string {
  return value === null ? "-" : size(value);
}

function duration(seconds: number | null): string {
  if (seconds === null) return "-";
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800
    ? `${Math.round(seconds / 3600)} h`
    : `${Math.round(seconds / 86_400)} d`;
}

function cut(text: string, length: number): string {
  const characters = [...text];
  return characters.length <= length ? text : `${characters.slice(0, length - 1).join("")}…`;
}
