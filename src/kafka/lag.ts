/** How far the committed positions are behind the ends of the logs. */

export class Lag {
  readonly #partitions = new Map<number, { position: number; end: number | undefined }>();

  /** Forgets what was known: other partitions, or other positions, begin. */
  begin(positions: ReadonlyMap<number, number>): void {
    this.#partitions.clear();
    for (const [partition, position] of positions) {
      this.#partitions.set(partition, { position, end: undefined });
    }
  }

  /** The partition isn't read any more. */
  forget(partition: number): void {
    this.#partitions.delete(partition);
  }

  /** A fetch has told the end of the log (its high watermark). */
  seen(partition: number, end: number): void {
    const known = this.#partitions.get(partition);
    if (known) known.end = end;
  }

  /**
   * Asks where the logs end: while reading is paused no fetch tells. Rejects as `ends` does. An answer to
   * what was forgotten meanwhile doesn't count, nor one that a fetch has overtaken.
   */
  async ask(
    ends: (partitions: readonly number[]) => Promise<ReadonlyMap<number, number>>,
  ): Promise<void> {
    const asked = new Map(this.#partitions);
    if (asked.size === 0) return;
    for (const [partition, end] of await ends([...asked.keys()])) {
      const known = asked.get(partition);
      if (known === undefined || known !== this.#partitions.get(partition)) continue;
      known.end = Math.max(known.end ?? 0, end);
    }
  }

  committed(partition: number, position: number): void {
    const known = this.#partitions.get(partition);
    if (known && position > known.position) known.position = position;
  }

  /** Records by partition; a partition whose log end isn't known yet is left out. */
  byPartition(): ReadonlyMap<number, number> {
    const lag = new Map<number, number>();
    for (const [partition, { position, end }] of this.#partitions) {
      if (end !== undefined) lag.set(partition, Math.max(0, end - position));
    }
    return lag;
  }
}
