/** Notices a partition that stands still although records wait in it, whatever the reason. */
import type { Log } from "../pipeline/ports.ts";

/** So many looks in a row without progress. Looks, not a clock's time: clocks jump, processes freeze. */
const LOOKS = 4;

export interface Progress {
  readonly partition: number;
  /** The offset that is fetched next. */
  readonly next: number;
  /** False: it is known why nothing comes, and that is looked after. */
  readonly expected: boolean;
}

export interface StallWatchOptions {
  /** A partition is stalled after so long; it is looked at four times in that. */
  readonly stallMs: number;
  readonly topic: string;
  readonly log: Log;
  /** undefined: nothing is read now, on purpose. */
  progress(): Iterable<Progress> | undefined;
  /** Where each partition's readable records end, asked on a way of its own. May reject: no verdict then. */
  ends(partitions: readonly number[]): Promise<ReadonlyMap<number, number>>;
  /** Makes the partitions' consumers anew. */
  remake(partitions: readonly number[]): void;
}

interface Standing {
  next: number;
  looks: number;
  told: boolean;
}

export class StallWatch {
  readonly #options: StallWatchOptions;
  readonly #standing = new Map<number, Standing>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;
  #remade = 0;

  constructor(options: StallWatchOptions) {
    this.#options = options;
  }

  /** How often consumers were made anew. */
  get remade(): number {
    return this.#remade;
  }

  start(): void {
    this.#timer = setTimeout(async () => {
      await this.look();
      if (!this.#closed) this.start();
    }, this.#options.stallMs / LOOKS);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  /** Other positions begin: what was known of the old ones says nothing. */
  clear(): void {
    this.#standing.clear();
  }

  async look(): Promise<void> {
    const { progress, ends, remake, log, topic } = this.#options;
    const still = this.#stillOnes(progress());
    if (still.length === 0) return;
    let known: ReadonlyMap<number, number>;
    try {
      known = await ends(still.map(([partition]) => partition));
    } catch {
      return; // the fetches tell of an outage
    }
    if (this.#closed) return;
    const stalled: number[] = [];
    for (const [partition, standing] of still) {
      // It may have been cleared, or have moved on, while the broker was asked.
      if (this.#standing.get(partition) !== standing) continue;
      const waits = (known.get(partition) ?? 0) > standing.next;
      standing.looks = waits ? standing.looks + 1 : 0;
      if (standing.looks >= LOOKS) stalled.push(partition);
    }
    if (stalled.length === 0) return;
    this.#remade++;
    const untold = stalled.filter((partition) => !this.#standing.get(partition)!.told);
    if (untold.length > 0) {
      log.error("records wait, but none of them come: the consumers are made anew", {
        topic,
        partitions: untold,
        seconds: this.#options.stallMs / 1000,
        todo: "none if they come now; otherwise see the broker's log and the network between",
      });
    }
    for (const partition of stalled) {
      const standing = this.#standing.get(partition)!;
      standing.looks = 0;
      standing.told = true;
    }
    remake(stalled);
  }

  /** Those that haven't moved since the last look, and for which nothing explains it. */
  #stillOnes(progress: Iterable<Progress> | undefined): [number, Standing][] {
    const before = new Map(this.#standing);
    this.#standing.clear();
    const still: [number, Standing][] = [];
    for (const { partition, next, expected } of progress ?? []) {
      const known = before.get(partition);
      // After a remake it may begin lower: with what was fetched, but not committed.
      const moved = known === undefined || next > known.next;
      if (moved && known?.told) {
        this.#options.log.info("records come again", { topic: this.#options.topic, partition });
      }
      const standing = moved || !expected
        ? { next, looks: 0, told: !moved && known!.told }
        : { ...known, next };
      this.#standing.set(partition, standing);
      if (!moved && expected) still.push([partition, standing]);
    }
    return still;
  }
}
