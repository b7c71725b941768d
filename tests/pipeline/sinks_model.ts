/** What the world outside of the program has received: a broker and a storage service, as plain lists. */
import assert from "node:assert/strict";
import { type JournalRow } from "../../src/pipeline/ports.ts";
import { decodeRecords, textOf } from "../core/record_twin.ts";
import { type Node } from "./node.ts";

interface Result {
  id: string;
  device: string;
  number: number;
}

function resultsOf(row: JournalRow): Result[] {
  return decodeRecords(row).map(({ value }) => {
    const { id, device_id: device, temperature: number } = JSON.parse(textOf(value));
    return { id, device, number };
  });
}

/** The output topic. It has what was acknowledged; a producer asks it after a start. */
export class Broker {
  /** The sequence after the last record, by lane. */
  #next: number[] = [];
  readonly #received = new Set<string>();
  readonly #last = new Map<string, number>();
  /** A device's order over several partition counts holds only while none is taken away. */
  ordered = true;
  partitions = 0;

  get received(): number {
    return this.#received.size;
  }

  /** The topic has so many partitions now; fewer than before: it is a new one. */
  resize(partitions: number): void {
    if (partitions < this.partitions) {
      this.ordered = false;
      this.#next.length = partitions;
    }
    this.partitions = partitions;
  }

  /** What the sink does after a start: the cursors in the store may be behind. */
  tell(feed: NonNullable<Node["output"]>): void {
    this.#next.forEach((sequence, lane) => {
      const state = feed.lanes()[lane];
      if (state !== undefined && sequence > state.acknowledged) {
        feed.acknowledge(lane, sequence, -1);
      }
    });
  }

  receive(row: JournalRow): void {
    const { lane, baseSequence } = row;
    const next = this.#next[lane] ?? baseSequence;
    assert.ok(baseSequence >= next, `lane ${lane}: sequence ${baseSequence} came after ${next}`);
    this.#next[lane] = baseSequence + row.count;
    for (const { id, device, number } of resultsOf(row)) {
      assert.ok(!this.#received.has(id), `${id} came twice`);
      this.#received.add(id);
      const last = this.#last.get(device) ?? -1;
      if (this.ordered) assert.ok(number > last, `${device}: ${number} came after ${last}`);
      this.#last.set(device, number);
    }
  }

  /** The sink gives a record up: it stands in the dead letters. */
  refuse(row: JournalRow): void {
    this.#next[row.lane] = row.baseSequence + row.count;
    for (const { id, device, number } of resultsOf(row)) {
      this.#received.add(id);
      this.#last.set(device, number);
    }
  }
}

/** The storage service: at least once, each device in order without a gap. */
export class StorageService {
  readonly #last = new Map<string, number>();
  readonly received = new Set<string>();
  /** Results may be dropped on their way. */
  hasGaps = false;

  /** Takes records of a row from one on, at most `limit`; how many there were. */
  receive(row: JournalRow, of: { from: number; limit: number }): number {
    const results = resultsOf(row).slice(of.from, of.from + of.limit);
    for (const { id, device, number } of results) {
      const last = this.#last.get(device) ?? -1;
      assert.ok(
        this.hasGaps || number <= last + 1,
        `storage: ${device} ${number} came after ${last}`,
      );
      this.#last.set(device, Math.max(last, number));
      this.received.add(id);
    }
    return results.length;
  }
}
