/** Where results and readings are read from: a topic as far as it goes now, or a file of NDJSON. */
import { readableBatches } from "../kafka/aborted.ts";
import type { ClusterAccess } from "../kafka/connection_options.ts";
import { Fetcher } from "../kafka/fetch.ts";

/** `done`, `total`: how far it is, in records or bytes. */
export type Take = (value: Uint8Array, progress: { done: number; total: number }) => void;

const CHUNK_BYTES = 1 << 20;
const LONGEST_LINE = 64 << 20;
const LINE_FEED = 10;

/** Lines that aren't blank. Rejects where it can't be read, or a line has more than 64 MiB. */
export async function readFile(path: string, take: Take): Promise<void> {
  using file = await Deno.open(path);
  const total = (await file.stat()).size;
  const buffer = new Uint8Array(CHUNK_BYTES);
  let rest = new Uint8Array(0);
  let done = 0;
  const line = (bytes: Uint8Array) => {
    if (bytes.some((byte) => byte > 32)) take(bytes, { done, total });
  };
  for (let read = await file.read(buffer); read !== null; read = await file.read(buffer)) {
    done += read;
    const bytes = new Uint8Array(rest.length + read);
    bytes.set(rest);
    bytes.set(buffer.subarray(0, read), rest.length);
    let at = 0;
    for (let end; (end = bytes.indexOf(LINE_FEED, at)) >= 0; at = end + 1) {
      line(bytes.subarray(at, end));
    }
    rest = bytes.subarray(at);
    if (rest.length > LONGEST_LINE) throw new Error("a line has more than 64 MiB");
  }
  line(rest);
}

const NOTHING = new Uint8Array(0);
/** A broker answers after half a second where it has nothing. */
const MAX_EMPTY_ANSWERS = 60;

/** What is left to read of a partition. */
interface Stretch {
  next: number;
  readonly end: number;
  emptyAnswers: number;
}

/** A topic, from its start; joins no group, so nobody's offsets move. */
export class TopicSource {
  readonly #fetcher: Fetcher;
  /** What is read next, by partition. */
  readonly #next = new Map<number, number>();

  constructor(topic: string, access: ClusterAccess) {
    const { clientId: group } = access;
    this.#fetcher = new Fetcher({ ...access, group, topic, isolation: "read_committed" });
  }

  /**
   * Goes on to where the topic ends now; a tombstone is an empty value. Rejects where the topic doesn't
   * exist or can't be read; what was taken isn't taken again by the next call.
   */
  async read(take: Take): Promise<void> {
    const fetcher = this.#fetcher;
    const { topicId, leaders } = await fetcher.describe();
    const all = leaders.map((_, partition) => partition);
    const [starts, ends] = [await fetcher.earliest(all), await fetcher.readableEnds(all)];
    const open = new Map<number, Stretch>();
    let [done, total] = [0, 0];
    for (const partition of all) {
      const start = starts.get(partition)!;
      const before = this.#next.get(partition) ?? start;
      if (before < start) {
        throw new Error(
          `partition ${partition}: records from ${before} to ${start} were removed before they were read`,
        );
      }
      const end = ends.get(partition)!;
      if (before < end) open.set(partition, { next: before, end, emptyAnswers: 0 });
      total += Math.max(0, end - before);
    }
    while (open.size > 0) {
      for (const leader of new Set([...open.keys()].map((partition) => leaders[partition]))) {
        const wanted = [...open].filter(([partition]) => leaders[partition] === leader)
          .map(([partition, { next }]) => ({ partition, next }));
        const { responses } = await fetcher.fetch(leader, topicId, { wanted });
        for (const answer of responses.flatMap(({ partitions }) => partitions)) {
          const { partitionIndex: partition } = answer;
          const stretch = open.get(partition)!;
          const before = stretch.next;
          takeAnswer(answer, { stretch, take: (value) => take(value, { done, total }) });
          this.#next.set(partition, Math.min(stretch.next, stretch.end));
          done += Math.min(stretch.next, stretch.end) - before;
          if (stretch.next >= stretch.end) open.delete(partition);
          if (stretch.emptyAnswers > MAX_EMPTY_ANSWERS) {
            const place = `partition ${partition} from offset ${stretch.next}`;
            throw new Error(
              `${place} on: the broker sends nothing, though it ends at ${stretch.end}`,
            );
          }
        }
      }
    }
  }

  /** After a failure: leaders may have moved. */
  forgetLeaders(): void {
    this.#fetcher.forgetLeaders();
  }

  async close(): Promise<void> {
    await this.#fetcher.close();
  }
}

type Answer = Awaited<ReturnType<Fetcher["fetch"]>>["responses"][number]["partitions"][number];

/** The records between the stretch's ends; it goes on behind them. */
function takeAnswer(
  { records, abortedTransactions }: Answer,
  { stretch, take }: { stretch: Stretch; take: (value: Uint8Array) => void },
): void {
  const batches = records ?? [];
  const { next, end } = stretch;
  for (const batch of readableBatches(batches, abortedTransactions ?? [])) {
    for (const { offsetDelta, value } of batch.records) {
      const offset = Number(batch.firstOffset) + offsetDelta;
      if (offset >= next && offset < end) take(value ?? NOTHING);
    }
  }
  for (const { firstOffset, lastOffsetDelta } of batches) {
    stretch.next = Math.max(stretch.next, Number(firstOffset) + lastOffsetDelta + 1);
  }
  stretch.emptyAnswers = stretch.next > next ? 0 : stretch.emptyAnswers + 1;
}
