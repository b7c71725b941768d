import { ConfigFaults } from "../config/faults.ts";
import { apiAddress } from "./api_address.ts";
import { type Ask, withoutToken } from "./api_client.ts";
import { exitCodes } from "./exit_codes.ts";
import { reasonOf } from "./reason.ts";

export interface HealthcheckOptions {
  readonly live?: boolean;
  /** In seconds. */
  readonly timeout: number;
}

/** Asks a running engine whether it is ready, or alive, and prints one line; the exit code. */
export async function healthcheck(options: HealthcheckOptions): Promise<number> {
  let address: string, client: Ask;
  try {
    const env = Deno.env.toObject();
    address = apiAddress(env);
    client = withoutToken(env);
  } catch (error) {
    if (!(error instanceof ConfigFaults)) throw error;
    console.error(`plumbline: ${error.message}`);
    return exitCodes.usage;
  }
  const answer = await ask({ address, client }, options);
  console.log(answer.line);
  return answer.healthy ? exitCodes.done : exitCodes.failed;
}

async function ask(
  { address, client }: { address: string; client: Ask },
  { live = false, timeout }: HealthcheckOptions,
): Promise<{ healthy: boolean; line: string }> {
  const word = live ? "alive" : "ready";
  const url = `${address}/health/${live ? "live" : "ready"}`;
  try {
    const response = await client(url, { signal: AbortSignal.timeout(timeout * 1000) });
    const text = await response.text();
    if (response.status === 200) return { healthy: true, line: word };
    const reason = response.status === 503 ? reasonIn(text) : `status ${response.status}`;
    return { healthy: false, line: `not ${word}: ${reason}` };
  } catch (error) {
    return { healthy: false, line: `no answer from ${url}: ${reasonOf(error)}` };
  }
}

/** What the engine says about the failed checks, or whatever was answered, in one line. */
function reasonIn(text: string): string {
  let reason: unknown;
  try {
    reason = JSON.parse(text).message;
  } catch {
    reason = text;
  }
  return String(reason).replace(/\s+/g, " ").slice(0, 500) || "status 503";
}
