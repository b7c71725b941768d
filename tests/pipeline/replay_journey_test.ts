/**
 * Readings that are rejected, results that both sinks refuse, replays, full disks and crashes in any
 * order, against a model of what the world received: in the end every reading is a result once, the
 * topic has each result once and the storage service has all of them, and no letter is left.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { RecordReader } from "../../src/core/record.ts";
import { type JournalRow, StoreUnavailable } from "../../src/pipeline/ports.ts";
import { decodeRecords, textOf } from "../core/record_twin.ts";
import { tempFolder } from "../harness/temp.ts";
import { type Node, type NodeOptions, startNode } from "./node.ts";

const LANES = 2;
/** What is longer is rejected until the end. */
const SHORT = 60;
const encoder = new TextEncoder();

const small = fc.nat({ max: 4 });
const step = <const K extends string>(kind: K) => fc.constant(kind);
const steps = fc.oneof(
  fc.record({ kind: step("submit"), long: fc.boolean() }),
  fc.record({ kind: step("submit"), long: fc.boolean() }),
  fc.record({ kind: step("send"), lane: fc.nat({ max: LANES - 1 }), refused: fc.boolean() }),
  fc.record({ kind: step("store"), records: small, refused: small }),
  fc.record({
    kind: step("replay"),
    sink: fc.constantFrom(undefined, "" as const, "output" as const, "storage" as const),
  }),
  fc.record({ kind: step("maintain") }),
  fc.record({ kind: step("fault"), count: fc.integer({ min: 1, max: 2 }) }),
  fc.record({ kind: step("crash") }),
);
type Step = typeof steps extends fc.Arbitrary<infer T> ? T : never;

class Journey {
  readonly #options: NodeOptions;
  /** The topic: sequence after the last record it knows of, by lane, and the ids that it has. */
  readonly #next = new Array<number>(LANES).fill(0);
  readonly #sent = new Map<string, string>();
  readonly #stored = new Map<string, string>();
  #submitted = 0;
  node: Node;

  constructor(options: NodeOptions) {
    this.#options = options;
    this.node = startNode(options);
    this.node.output!.open({ topicId: "t", partitions: LANES });
  }

  async take(step: Step): Promise<void> {
    const { ingest, letters, store } = this.node;
    switch (step.kind) {
      case "submit":
        return await this.#submit(step.long);
      case "send":
        this.#send(step.lane, step.refused);
        return;
      case "store":
        return this.#store(step.records, step.refused);
      case "replay":
        await letters.replay({ filter: { sink: step.sink } }, { dryRun: false });
        return this.#assertCounted();
      case "maintain":
        ingest.maintain();
        return await this.#written();
      case "fault":
        store.failingCommits = step.count;
        return;
      case "crash":
        this.restart();
    }
  }

  restart(more: Partial<NodeOptions> = {}): void {
    this.node.crash();
    this.node = startNode({ ...this.#options, ...more });
    // What the sink does after a start: the cursors in the store may be behind.
    this.#next.forEach((sequence, lane) => {
      const state = this.node.output!.lanes()[lane];
      if (sequence > state.acknowledged) this.node.output!.acknowledge(lane, sequence, -1);
    });
    this.#assertCounted();
  }

  /** Everything is taken and replayed. */
  async arrive(): Promise<void> {
    this.node.store.failingCommits = 0;
    this.restart({ maxReadingBytes: 1000 });
    const empty = () => this.node.store.letters.last() === 0;
    for (let round = 0; round < 3; round++) {
      for (let lane = 0; lane < LANES; lane++) while (this.#send(lane, false));
      this.#store(Infinity, 0);
      this.node.ingest.maintain();
      await this.node.letters.replay({ filter: {} }, { dryRun: false });
    }
    assert.ok(empty(), "letters are left");
    assert.equal(this.#sent.size, this.#submitted);
    assert.deepEqual(new Map([...this.#stored].sort()), new Map([...this.#sent].sort()));
    assert.equal(this.node.store.counters().results, this.#submitted);
    this.node.ingest.checkpointAll();
    assert.deepEqual(this.node.store.journal.size(), { rows: 0, bytes: 0 });
    this.restart();
    assert.equal(this.node.totals().temperature.count, this.#submitted);
  }

  async #submit(long: boolean): Promise<void> {
    const device = `d${this.#submitted % 5}`;
    const note = long ? `,"note":"${"x".repeat(SHORT)}"` : "";
    const body = `{"device_id":"${device}","temperature":${this.#submitted++}${note}}`;
    await this.node.ingest.submit(encoder.encode(body));
  }

  /** The lane's next row; false: there is none. A row to be refused is first split into single records. */
  #send(lane: number, refused: boolean): boolean {
    const feed = this.node.output!;
    feed.rewind(lane);
    const row = feed.take(lane);
    if (row === undefined) return false;
    try {
      if (refused && row.count > 1) feed.split(row, 1);
      else if (refused) feed.refuse(row, { reason: "too large", answer: null, attempts: 1 });
      if (refused) {
        if (row.count === 1) this.#next[lane] = row.baseSequence + 1;
        return true;
      }
    } catch (error) {
      assert.ok(error instanceof StoreUnavailable, String(error));
      return true;
    }
    this.#receive(row);
    feed.acknowledge(lane, row.baseSequence + row.count, -1);
    return true;
  }

  #receive(row: JournalRow): void {
    assert.ok(row.baseSequence >= this.#next[row.lane], "a sequence came again");
    this.#next[row.lane] = row.baseSequence + row.count;
    for (const { value } of decodeRecords(row)) {
      const text = textOf(value);
      const { id } = JSON.parse(text);
      assert.ok(!this.#sent.has(id), `${id} came twice`);
      this.#sent.set(id, text);
    }
  }

  /** Stores so many records, in the order in which they come, after so many that it refuses. */
  #store(records: number, refused: number): void {
    const feed = this.node.storage!;
    let left = records + refused, toRefuse = refused;
    while (left > 0) {
      const taken = feed.take();
      if (taken === undefined) return;
      const { row, from } = taken;
      const reader = new RecordReader(row);
      const slice = (start: number, end: number) => row.body.subarray(start, end);
      while (reader.next() && left > 0) {
        if (reader.index <= from) continue;
        left--;
        const id = textOf(slice(reader.idStart, reader.idEnd));
        const bytes = slice(reader.valueStart, reader.valueEnd);
        if (toRefuse-- > 0) {
          const letter = { id, tenant: "default", time: row.time, reason: "status 400", bytes };
          const of = { sink: "storage" as const, status: 400, answer: "", attempts: 1 };
          feed.refuse({ ...letter, ...of }, { row: row.id, record: reader.index - 1 });
        } else this.#stored.set(id, textOf(bytes));
        feed.acknowledge(row.id, reader.index);
      }
      // The rest of the row is lost to the sink but by a crash.
      if (left === 0) return this.restart();
    }
  }

  async #written(): Promise<void> {
    while (this.node.ingest.unavailableSince > 0) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  /** Invariant 5: each reading that came is a result or a rejected one that stands in the letters. */
  #assertCounted(): void {
    const { store } = this.node;
    const { read, results, rejected } = store.counters();
    assert.equal(read, results + rejected);
    const { kept, refused, replayed } = store.letters.counts();
    const [input, ...sinks] = kept.map(({ count }) => count);
    assert.equal(results + input, this.#submitted);
    assert.equal(input + sinks[0] + sinks[1], rejected + refused - replayed);
  }
}

Deno.test("a journey with replays: every reading is a result once, the topic has each once, no letter is left", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(steps, { maxLength: 50, size: "max" }),
      fc.constantFrom(1, 1e9),
      async (steps, memoryBytes) => {
        using folder = tempFolder();
        const journey = new Journey({
          dir: folder.path,
          clock: { time: 1.77e12 },
          memoryBytes,
          maxReadingBytes: SHORT,
          storage: true,
        });
        try {
          for (const step of steps) await journey.take(step);
          await journey.arrive();
        } finally {
          journey.node.crash();
        }
      },
    ),
    { numRuns: 60 },
  );
});
