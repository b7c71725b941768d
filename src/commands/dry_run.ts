/** `plumbline dry-run`: what would come of these readings, with these settings. */
import { type Config, readConfig } from "../config/config.ts";
import { ConfigFaults } from "../config/faults.ts";
import { openFiles } from "../config/files.ts";
import { DryRunEngine, type Refused, TooManyDevices } from "./dry_run_engine.ts";
import { exitCodes } from "./exit_codes.ts";
import { lineBatches } from "./line_batches.ts";
import { reasonOf } from "./reason.ts";

export interface DryRunOptions {
  readonly json?: boolean;
  /** ms since 1970: `processed_at` of all results. */
  readonly time?: number;
}

/** Results go to standard output, everything else to standard error; the exit code. */
export async function dryRun(file: string, options: DryRunOptions): Promise<number> {
  let config: Config;
  let input: ReadableStream<Uint8Array>;
  try {
    const env = Deno.env.toObject();
    config = readConfig(env, await openFiles(env));
    input = await open(file);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const told = error instanceof ConfigFaults
      ? error.message
      : `reading ${file}: ${reasonOf(error)}`;
    console.error(`plumbline: ${told}`);
    return exitCodes.usage;
  }
  const engine = new DryRunEngine(config);
  try {
    for await (const lines of lineBatches(input, { maxBytes: config.maxReadingBytes })) {
      const { results, refused } = engine.judge(lines, options.time ?? Date.now());
      for (const it of refused) {
        console.error(options.json ? JSON.stringify(it) : refusedText(it));
      }
      await write(results);
    }
  } catch (error) {
    // Whoever read the results has enough.
    if (error instanceof Deno.errors.BrokenPipe) return exitCodes.failed;
    if (!(error instanceof Error)) throw error;
    const told = error instanceof TooManyDevices
      ? error.message
      : `reading ${file}: ${reasonOf(error)}`;
    console.error(`plumbline: ${told}`);
    return exitCodes.failed;
  }
  const { counts } = engine;
  console.error(options.json ? JSON.stringify(counts) : countsText(counts));
  return counts.rejected + counts.over_quota === 0 ? exitCodes.done : exitCodes.failed;
}

async function open(file: string): Promise<ReadableStream<Uint8Array>> {
  return file === "-" ? Deno.stdin.readable : (await Deno.open(file)).readable;
}

async function write(results: readonly Uint8Array[]): Promise<void> {
  const bytes = new Uint8Array(results.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const result of results) {
    bytes.set(result, at);
    at += result.length;
  }
  for (let written = 0; written < bytes.length;) {
    written += await Deno.stdout.write(bytes.subarray(written));
  }
}

function refusedText({ line, reason }: Refused): string {
  return `line ${line}: ${reason}`;
}

function countsText(counts: DryRunEngine["counts"]): string {
  const { readings, results, anomalies, sampled_out, rejected, over_quota } = counts;
  return `${readings} readings: ${results} results (${anomalies} anomalies), ` +
    `${sampled_out} sampled out, ${rejected} rejected, ${over_quota} over their tenants' quotas`;
}
