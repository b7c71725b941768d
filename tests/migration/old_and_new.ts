/** Readings, what an old engine made of them and what Plumbline does: for tests of the comparison. */
import { runCommand } from "../commands/command.ts";
import { goFinal } from "../fixtures/legacy/go_final.ts";
import { pythonV2 } from "../fixtures/legacy/python_v2.ts";

export const AT = "2026-01-01T00:00:00";

export const engines = ["go", "python"] as const;
export type OldEngine = (typeof engines)[number];

const bytes = (text: string) => new TextEncoder().encode(text);
const clock = { now: Date.parse(`${AT}Z`), random: () => 0 };

export function reading(device: string, fields: Record<string, unknown> = {}): string {
  const given = { tenant_id: "acme", temperature: 21, humidity: 45, timestamp: `${AT}.5Z` };
  return JSON.stringify({ device_id: device, ...given, ...fields });
}

/** A result a line, of those that it takes. */
export function oldResults(
  engine: OldEngine,
  readings: readonly (string | Uint8Array | null)[],
): string[] {
  return readings.flatMap((reading) => {
    const value = typeof reading === "string" ? bytes(reading) : reading;
    const made = engine === "go" ? goFinal(value, clock) : pythonV2(value, clock);
    return made === null || made === "ends" ? [] : [made];
  });
}

/** Those of the engine itself. */
export async function newResults(readings: readonly string[], path: string): Promise<string[]> {
  await Deno.writeTextFile(path, readings.join("\n"));
  const { stdout } = await runCommand(["dry-run", path], {});
  return stdout.trimEnd().split("\n");
}

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** `--json`: how many of each, unexplained ones only. */
  readonly unexplained: Record<string, number>;
  // deno-lint-ignore no-explicit-any -- what the command has printed
  readonly report: any;
}

export async function compare(args: string[], env: Record<string, string> = {}): Promise<Outcome> {
  const done = await runCommand(["compare", ...args], env);
  const report = args.includes("--json") && done.stdout !== ""
    ? JSON.parse(done.stdout)
    : undefined;
  const found: { kind: string; name: string; count: number }[] = report?.findings ?? [];
  return {
    ...done,
    report,
    unexplained: Object.fromEntries(
      found.filter(({ kind }) => kind === "unexplained").map(({ name, count }) => [name, count]),
    ),
  };
}
