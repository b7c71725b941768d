/** `GET /api/stream` over a real store and pipeline, without a port. */
import { Refusal } from "../../src/http/request.ts";
import { streamRoute } from "../../src/http/stream.ts";
import { type StreamLimits } from "../../src/http/stream_readers.ts";
import { decodeRecords, textOf } from "../core/record_twin.ts";
import { EventReader } from "../harness/event_stream.ts";
import { tempFolder } from "../harness/temp.ts";
import { type NodeOptions, startNode } from "../pipeline/node.ts";
import { streamOver } from "./in_memory.ts";

const encoder = new TextEncoder();
export const TIME = 1_770_000_000_000;

export interface Asked {
  query?: Record<string, string>;
  lastEventId?: string;
  /** Whose data the request may see; null: everybody's. */
  tenants?: ReadonlySet<string> | null;
  method?: string;
  completed?: Promise<void>;
}

export function reading(device: string, options: { tenant?: string; anomaly?: boolean } = {}) {
  const { tenant, anomaly = false } = options;
  return JSON.stringify({
    device_id: device,
    temperature: anomaly ? 99 : 21,
    humidity: anomaly ? 99 : 50,
    tenant_id: tenant,
  });
}

export function streamRig(
  options: Partial<NodeOptions> & {
    limits?: Partial<StreamLimits>;
    /** A rig that is over: its folder is taken on. */
    after?: { readonly path: string; crash(): void };
  } = {},
) {
  const { limits, after, ...of } = options;
  after?.crash();
  const folder = after === undefined ? tempFolder("stream-") : undefined;
  const path = after?.path ?? folder!.path;
  const clock = { time: TIME };
  const node = startNode({ dir: path, clock, output: false, ...of });
  const readers = streamOver(node.tail, {
    limits: { beatMs: 1, ...limits },
    now: () => clock.time,
  });
  const route = streamRoute(readers);

  function ask({ query = {}, lastEventId, tenants = null, method, completed }: Asked = {}) {
    const headers = new Headers();
    if (lastEventId !== undefined) headers.set("last-event-id", lastEventId);
    return route.methods.GET!.handler({
      raw: new Request("http://x/api/stream", { method, headers }),
      query: () => query,
      param: () => undefined,
      tenants,
      completed,
    }) as Response;
  }

  return {
    ...node,
    path,
    clock,
    readers,
    ask,
    open: (asked: Asked = {}) => new EventReader(ask(asked).body!),
    /** Commits them together; their results' JSON texts, in order. */
    async submit(...texts: string[]): Promise<string[]> {
      const last = node.store.journal.lastId();
      const lines = texts.map((text) => encoder.encode(text));
      const body = new Uint8Array(lines.reduce((sum, { length }) => sum + length, 0));
      const ranges: number[] = [];
      let at = 0;
      for (const line of lines) {
        body.set(line, at);
        ranges.push(at, at += line.length);
      }
      await node.ingest.submitBatch(body, ranges);
      return valuesAfter(node.store, last);
    },
    /** Everything is written, and what nobody needs is pruned. */
    prune: () => node.ingest.checkpointAll(),
    /** As SIGKILL: streams end as connections do then. */
    crash() {
      readers.endAll();
      node.crash();
    },
    async [Symbol.asyncDispose]() {
      await readers.close(0);
      node.crash();
      folder?.[Symbol.dispose]();
    },
  };
}

export type Rig = ReturnType<typeof streamRig>;

/** Results of the journal's rows after this one. */
export function valuesAfter(store: Rig["store"], rowId: number): string[] {
  return store.journal.resultRows(rowId, Infinity).flatMap((row) =>
    decodeRecords(row).map(({ value }) => textOf(value))
  );
}

/** Waits for what timers bring about. */
export async function eventually(holds: () => boolean): Promise<void> {
  for (const late = AbortSignal.timeout(30_000); !holds();) {
    if (late.aborted) throw new Error(`Wait for ${holds}: not within 30 s`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

export function refusal(work: () => unknown): Refusal {
  try {
    work();
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
  throw new Error("it wasn't refused");
}

/** An id of this folder, without a count. */
export function idAt(it: Rig, row: number, record = 0): string {
  return `${it.store.positions.folderId.slice(0, 8)}.${row}.${record}`;
}
