import { type Gap, type JournalReader, type SinkName } from "./ports.ts";

/** What was dropped for a sink and is still in the journal, in the order of ids; as the store has it. */
export class Gaps {
  readonly sink: SinkName;
  #gaps: Gap[];

  constructor(sink: SinkName, journal: JournalReader) {
    this.sink = sink;
    this.#gaps = journal.gaps(sink);
  }

  get all(): readonly Gap[] {
    return this.#gaps;
  }

  /** The gap that this id lies in. */
  at(id: number): Gap | undefined {
    return this.#gaps.find(({ first, last }) => first <= id && id <= last);
  }

  /** How much of what stands in the journal from this id on doesn't wait for the sink. */
  from(id: number): { rows: number; bytes: number } {
    const found = { rows: 0, bytes: 0 };
    for (const { last, rows, bytes } of this.#gaps) {
      if (last < id) continue;
      found.rows += rows;
      found.bytes += bytes;
    }
    return found;
  }

  /** The gap that this one makes: with the one before it, where no id lies between. */
  joined(gap: Gap): Gap {
    const before = this.#gaps.find(({ last }) => last + 1 === gap.first);
    if (before === undefined) return gap;
    return {
      first: before.first,
      last: gap.last,
      rows: before.rows + gap.rows,
      bytes: before.bytes + gap.bytes,
    };
  }

  /** It stands in the store. Replaces the one of the same `first`. */
  saved(gap: Gap): void {
    this.#gaps = [...this.#gaps.filter(({ first }) => first !== gap.first), gap]
      .sort((a, b) => a.first - b.first);
  }

  /** Their transaction has failed. */
  restore(gaps: readonly Gap[]): void {
    this.#gaps = [...gaps];
  }

  removed(first: number): void {
    this.#gaps = this.#gaps.filter((gap) => gap.first !== first);
  }
}
