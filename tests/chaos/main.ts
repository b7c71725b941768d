/**
 * `deno task chaos [--minutes 10] [--seed 1]`: faults of every kind on a real engine under load, then
 * the accounts: where every reading went. The same seed gives the same faults.
 */
import { describeReport } from "./report.ts";
import { runChaos } from "./run.ts";

function numberOf(name: string, otherwise: number): number {
  const at = Deno.args.findIndex((arg) => arg === `--${name}` || arg.startsWith(`--${name}=`));
  if (at < 0) return otherwise;
  const text = Deno.args[at].split("=")[1] ?? Deno.args[at + 1];
  const value = Number(text);
  if (text !== undefined && Number.isFinite(value) && value >= 0) return value;
  throw new Error(`Read --${name}: expected a number of 0 or above, got ${text}`);
}

const report = await runChaos({
  seed: numberOf("seed", Math.floor(Math.random() * 2 ** 32)),
  minutes: numberOf("minutes", 10),
  print: (line) => console.log(line),
});
console.log(describeReport(report));
Deno.exit(report.faults.length === 0 ? 0 : 1);
