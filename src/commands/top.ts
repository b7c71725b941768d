/** `plumbline top`: how a running engine does, live. */
import { ConfigFaults } from "../config/faults.ts";
import { printable } from "../core/reading_reason.ts";
import { apiAddress } from "./api_address.ts";
import { apiClient, type Ask, tokenHint } from "./api_client.ts";
import { coloursWanted } from "./colours.ts";
import { exitCodes } from "./exit_codes.ts";
import { reasonOf } from "./reason.ts";
import { Screen } from "./screen.ts";
import { print } from "./standard_output.ts";
import { pause, stopSignal } from "./stop_signal.ts";
import { type Figures, figuresOf, isEngine, type Look, lookAt } from "./top_figures.ts";
import { figuresLine, screenLines } from "./top_text.ts";

export interface TopOptions {
  readonly url?: string;
  /** s. */
  readonly interval: number;
  readonly once?: boolean;
  readonly json?: boolean;
}

/** What one look has to show: figures, or why there are none. */
type Round = { readonly figures: Figures; readonly isFirst: boolean } | {
  readonly failure: string;
};

/** Shows it until it is interrupted, or once; the exit code. */
export async function top(options: TopOptions): Promise<number> {
  let address: string, client: Ask;
  try {
    const env = Deno.env.toObject();
    address = options.url ?? apiAddress(env);
    client = apiClient(env);
  } catch (error) {
    if (!(error instanceof ConfigFaults)) throw error;
    console.error(`plumbline: ${error.message}`);
    return exitCodes.usage;
  }
  const asking = rounds({
    address,
    client,
    intervalMs: options.interval * 1000,
    stop: stopSignal(),
  });
  if (options.json) return await objects(asking, options);
  if (options.once || !Deno.stdout.isTerminal()) return await lines(asking, options);
  using screen = new Screen();
  screen.draw(() => [`asking ${address}`]);
  for await (const round of asking) {
    screen.draw((size) =>
      "failure" in round
        ? [round.failure, "", "Asking again; Ctrl-C ends it."]
        : screenLines(round.figures, { address, colours: coloursWanted(), ...size })
    );
  }
  return exitCodes.done;
}

/** For scripts: an object each interval, one with `error` while there is no answer. */
async function objects(asking: AsyncIterable<Round>, { once }: TopOptions): Promise<number> {
  for await (const round of asking) {
    const failed = "failure" in round;
    if (!failed && round.isFirst) continue;
    const time = new Date().toISOString();
    const shown = failed ? { time, error: round.failure } : { time, ...round.figures };
    if (!print(`${JSON.stringify(shown)}\n`)) return exitCodes.done;
    if (once) return failed ? exitCodes.failed : exitCodes.done;
  }
  return once ? exitCodes.failed : exitCodes.done;
}

/** For pipes: a line each interval; that there is no answer is told once, on standard error. */
async function lines(asking: AsyncIterable<Round>, { once }: TopOptions): Promise<number> {
  let isGone = false;
  for await (const round of asking) {
    if ("failure" in round) {
      if (!isGone) {
        console.error(
          `plumbline: ${round.failure}${once ? "" : "; asking again until it answers"}`,
        );
      }
      if (once) return exitCodes.failed;
      isGone = true;
      continue;
    }
    if (isGone) console.error("plumbline: it answers");
    isGone = false;
    if (round.isFirst) continue;
    if (!print(`${figuresLine(round.figures, new Date().toISOString())}\n`)) return exitCodes.done;
    if (once) return exitCodes.done;
  }
  return once ? exitCodes.failed : exitCodes.done;
}

/** Looks at the engine once in each interval, until it is stopped. */
async function* rounds(
  of: { address: string; client: Ask; intervalMs: number; stop: AbortSignal },
): AsyncGenerator<Round> {
  const { address, client, intervalMs, stop } = of;
  let before: Look | undefined;
  let isFirst = true;
  while (!stop.aborted) {
    try {
      const look = await askEngine({ address, client }, stop);
      yield { figures: figuresOf(look, before), isFirst };
      before = look;
    } catch (error) {
      if (stop.aborted) return;
      yield { failure: printable(`no answer from ${address}: ${reasonOf(error)}`) };
    }
    isFirst = false;
    await pause(intervalMs, stop);
  }
}

const TIMEOUT_MS = 5_000;

/** Rejects where it can't be reached, doesn't let us in, or is something else. */
async function askEngine(
  { address, client }: { address: string; client: Ask },
  stop: AbortSignal,
): Promise<Look> {
  const signal = AbortSignal.any([stop, AbortSignal.timeout(TIMEOUT_MS)]);
  const ask = async (path: string) => {
    const response = await client(`${address}${path}`, { signal });
    return { status: response.status, text: await response.text() };
  };
  const [page, ready, live] = await Promise.all(
    ["/metrics", "/health/ready", "/health/live"].map(ask),
  );
  const refusal = failureIn(page);
  if (refusal !== undefined) throw new Error(`/metrics: ${refusal}`);
  const look = lookAt(
    { text: page.text, notReady: failureIn(ready), notLive: failureIn(live) },
    { at: performance.now(), time: Date.now() },
  );
  if (!isEngine(look)) throw new Error("what answers there is no Plumbline engine");
  return look;
}

function failureIn({ status, text }: { status: number; text: string }): string | undefined {
  if (status === 200) return undefined;
  try {
    return String(JSON.parse(text).message ?? `status ${status}`) + tokenHint(status);
  } catch {
    return `status ${status}`;
  }
}
