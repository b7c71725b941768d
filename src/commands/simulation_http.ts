/** `POST /api/data` of an engine as the target of a simulation. */
import { readingText, type SimulatedReading } from "../simulation/simulation.ts";
import type { Ask } from "./api_client.ts";
import { reasonOf } from "./reason.ts";
import type { Delivery, Failure, Target } from "./simulation_target.ts";

const TIMEOUT_MS = 30_000;
/** Requests at the same time where each reading is one. */
const LANES = 32;

interface Answer {
  readonly status: number;
  readonly body: {
    readonly status?: string;
    readonly message?: string;
    readonly accepted?: number;
    readonly rejected?: readonly { readonly index: number; readonly message: string }[];
    readonly data?: unknown;
  };
}

/** Many readings a request: lines of NDJSON. */
export function httpTarget(address: string, ask: Ask = fetch): Target {
  const url = `${address}/api/data`;

  async function send(readings: readonly SimulatedReading[]): Promise<Delivery> {
    const answer = await post(url, {
      ask,
      type: "application/x-ndjson",
      text: readings.map(readingText).join("\n"),
    });
    if ("message" in answer) {
      return { accepted: 0, rejected: [], unsent: readings, failure: answer };
    }
    const { accepted = 0, rejected = [] } = answer.body;
    return {
      accepted,
      rejected: rejected.map(({ index, message }) => ({ reading: readings[index], message })),
      unsent: [],
    };
  }

  return { name: url, maxBatch: 1000, send, close: () => Promise.resolve() };
}

/** One reading a request: `onResult` is told each one's result, as it was answered. */
export function singlesTarget(
  address: string,
  onResult: (reading: SimulatedReading, answered: { result: unknown; ms: number }) => void,
): Target {
  const url = `${address}/api/data`;

  /** The readings of a lane one after the other, up to the first that isn't taken. */
  async function sendLane(readings: readonly SimulatedReading[]): Promise<Delivery> {
    let accepted = 0;
    const rejected = [];
    for (const [i, reading] of readings.entries()) {
      const begun = performance.now();
      const text = readingText(reading);
      const answer = await post(url, { ask: fetch, type: "application/json", text });
      if ("message" in answer) {
        return { accepted, rejected, unsent: readings.slice(i), failure: answer };
      }
      if (answer.status === 400) {
        rejected.push({ reading, message: answer.body.message ?? "no reason given" });
      } else {
        accepted++;
        onResult(reading, { result: answer.body.data, ms: performance.now() - begun });
      }
    }
    return { accepted, rejected, unsent: [] };
  }

  async function send(readings: readonly SimulatedReading[]): Promise<Delivery> {
    const deliveries = await Promise.all(lanesOf(readings).map(sendLane));
    const failure = deliveries.find((it) => it.failure?.final)?.failure ??
      deliveries.find((it) => it.failure)?.failure;
    return {
      accepted: deliveries.reduce((sum, it) => sum + it.accepted, 0),
      rejected: deliveries.flatMap((it) => it.rejected),
      unsent: deliveries.flatMap((it) => it.unsent).sort((a, b) => a.number - b.number),
      ...(failure === undefined ? {} : { failure }),
    };
  }

  return { name: url, maxBatch: 1000, send, close: () => Promise.resolve() };
}

/** Readings in lanes that can go at the same time: a device is in one of them only. */
function lanesOf(readings: readonly SimulatedReading[]): SimulatedReading[][] {
  const laneOf = new Map<string, number>();
  const lanes: SimulatedReading[][] = [];
  for (const reading of readings) {
    let lane = laneOf.get(reading.device);
    if (lane === undefined) laneOf.set(reading.device, lane = laneOf.size % LANES);
    (lanes[lane] ??= []).push(reading);
  }
  return lanes;
}

async function post(
  url: string,
  { ask, type, text }: { ask: Ask; type: string; text: string },
): Promise<Answer | Failure> {
  try {
    const response = await ask(url, {
      method: "POST",
      headers: { "content-type": type },
      body: text,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const { status } = response;
    const body = bodyOf(await response.text());
    // 400 is an answer about the readings; without JSON it is some other server's.
    if (body !== undefined && [200, 207, 400].includes(status)) return { status, body };
    const message = `status ${status}${body?.message === undefined ? "" : `: ${body.message}`}`;
    if (status !== 429 && status < 500) return { message, final: true };
    return { message, retryAfterMs: 1000 * Number(response.headers.get("retry-after") ?? 0) || 0 };
  } catch (error) {
    return { message: reasonOf(error) };
  }
}

function bodyOf(text: string): Answer["body"] | undefined {
  try {
    const body = JSON.parse(text);
    return typeof body === "object" && body !== null ? body : undefined;
  } catch {
    return undefined;
  }
}
