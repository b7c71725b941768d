/**
 * A load of HTTP requests in a process of its own: what it is told as JSON in its first argument, what
 * it saw as JSON on its last line. Started by `runHttpLoad`.
 */
import { HttpConnection, requestBytes } from "./http_connection.ts";
import { batchOf, deviceOf, KNOWN_DEVICES, readingOf } from "./load.ts";
import { quantile } from "./table.ts";

export interface HttpLoad {
  readonly address: string;
  /** What is asked, connection by connection in turns. */
  readonly kinds: readonly RequestKind[];
  readonly connections: number;
  readonly seconds: number;
  /** Each connection asks once in so many ms; without it, again as soon as it has its answer. */
  readonly everyMs?: number;
}

export type RequestKind = "device" | "page" | "single" | "batch";

export interface HttpLoadFigures {
  readonly requests: number;
  /** Answers other than 200. */
  readonly errors: number;
  readonly seconds: number;
  /** ms; with `everyMs` from the moment when the request was due. */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** Readings of one batch. */
export const BATCH = 1_000;
const encoder = new TextEncoder();

/** Requests are made before the clock runs; there are so many different ones of a kind. */
const DIFFERENT: Record<RequestKind, number> = {
  device: KNOWN_DEVICES,
  page: 1,
  single: 5_000,
  batch: 20,
};

function makeRequest(kind: RequestKind, number: number): Uint8Array {
  switch (kind) {
    case "device":
      return requestBytes(`GET /api/stats/device/${deviceOf(number)}`);
    case "page":
      return requestBytes("GET /api/stats?readings=false&limit=100");
    case "single":
      return requestBytes("POST /api/data", { bytes: encoder.encode(readingOf(number)) });
    case "batch":
      return requestBytes("POST /api/data", {
        bytes: encoder.encode(batchOf({ from: number * BATCH, count: BATCH })),
        type: "application/x-ndjson",
      });
  }
}

async function load(options: HttpLoad): Promise<HttpLoadFigures> {
  const { address, kinds, connections, seconds, everyMs } = options;
  const requests = new Map(kinds.map((kind) => [
    kind,
    Array.from({ length: DIFFERENT[kind] }, (_, number) => makeRequest(kind, number)),
  ]));
  const opened: HttpConnection[] = [];
  for (let i = 0; i < connections; i++) opened.push(await HttpConnection.open(address));
  const latencies: number[] = [];
  let errors = 0;
  const begun = performance.now();
  const end = begun + seconds * 1000;

  async function ask(connection: HttpConnection, index: number): Promise<void> {
    const mine = requests.get(kinds[index % kinds.length])!;
    // Readers that ask once a second don't all do so at the same moment.
    let due = begun + (everyMs ?? 0) * index / connections;
    for (let turn = index;; turn += connections) {
      if (everyMs !== undefined) {
        const ahead = due - performance.now();
        if (ahead > 0) await new Promise((resolve) => setTimeout(resolve, ahead));
      } else {
        due = performance.now();
      }
      if (due >= end || performance.now() >= end) return;
      const { status } = await connection.ask(mine[turn % mine.length]);
      latencies.push(performance.now() - due);
      if (status !== 200) errors++;
      due += everyMs ?? 0;
    }
  }

  await Promise.all(opened.map(ask));
  const took = (performance.now() - begun) / 1000;
  for (const connection of opened) connection[Symbol.dispose]();
  return {
    requests: latencies.length,
    errors,
    seconds: took,
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
    max: quantile(latencies, 1),
  };
}

/** Runs a load in a process of its own. */
export async function runHttpLoad(options: HttpLoad): Promise<HttpLoadFigures> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", import.meta.filename!, JSON.stringify(options)],
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  if (code !== 0) throw new Error(`The HTTP load ended with code ${code}:\n${text(stderr)}`);
  return JSON.parse(text(stdout).trimEnd().split("\n").at(-1)!);
}

if (import.meta.main) console.log(JSON.stringify(await load(JSON.parse(Deno.args[0]))));
