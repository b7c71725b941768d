/**
 * Everything at once against a model: results on their way to both sinks while the disk fails, rows are
 * split and refused, partitions come and go, checkpoints are taken and the process dies. Nothing is
 * lost, nothing comes twice, nothing is pruned that anybody still needs, and in the end nothing is left.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { StoreUnavailable } from "../../src/pipeline/ports.ts";
import { tempFolder } from "../harness/temp.ts";
import { type Node, startNode } from "./node.ts";
import { Broker, StorageService } from "./sinks_model.ts";

const DEVICES = 7;
const REFUSED = { reason: "refused", answer: null, attempts: 1 };
const encoder = new TextEncoder();

function weighted<T>(weight: number, arbitrary: fc.Arbitrary<T>) {
  return { weight, arbitrary };
}

const small = fc.nat({ max: 5 });
const steps = fc.oneof(
  weighted(6, fc.record({ kind: fc.constant("submit" as const), count: fc.nat({ max: 12 }) })),
  weighted(
    4,
    fc.record({ kind: fc.constant("send" as const), lane: small, taken: small, acked: small }),
  ),
  weighted(3, fc.record({ kind: fc.constant("store" as const), rows: small, records: fc.nat(20) })),
  weighted(2, fc.record({ kind: fc.constant("maintain" as const), wait: fc.boolean() })),
  weighted(
    1,
    fc.record({ kind: fc.constant("open" as const), partitions: fc.integer({ min: 1, max: 5 }) }),
  ),
  weighted(
    1,
    fc.record({
      kind: fc.constant("split" as const),
      lane: small,
      parts: fc.integer({ min: 2, max: 9 }),
    }),
  ),
  weighted(1, fc.record({ kind: fc.constant("refuse" as const), lane: small })),
  weighted(
    1,
    fc.record({ kind: fc.constant("fault" as const), count: fc.integer({ min: 1, max: 2 }) }),
  ),
  weighted(2, fc.record({ kind: fc.constant("crash" as const) })),
  weighted(1, fc.record({ kind: fc.constant("stop" as const) })),
);
type Step = typeof steps extends fc.Arbitrary<infer T> ? T : never;

class Journey {
  readonly #options: Parameters<typeof startNode>[0];
  readonly #broker = new Broker();
  readonly #storage = new StorageService();
  readonly #counts = new Array<number>(DEVICES).fill(0);
  #submitted = 0;
  #crashes = 0;
  node: Node;

  constructor(options: Parameters<typeof startNode>[0]) {
    this.#options = options;
    this.#storage.hasGaps = options.limits !== undefined;
    this.node = startNode(options);
  }

  async take(step: Step): Promise<void> {
    const { output, storage, store, ingest } = this.node;
    const feed = output!;
    switch (step.kind) {
      case "submit":
        await this.#submit(step.count);
        break;
      case "send": {
        if (step.lane >= feed.laneCount) break;
        feed.rewind(step.lane);
        const rows = [];
        for (let row; rows.length < step.taken && (row = feed.take(step.lane));) rows.push(row);
        for (const row of rows.slice(0, step.acked)) this.#send(row);
        break;
      }
      case "store":
        for (let i = 0; i < step.rows; i++) {
          // The rest of a row that was taken is posted later: the sink keeps it in hand.
          if (!this.#post(i === step.rows - 1 ? step.records : Infinity)) break;
        }
        break;
      case "maintain":
        if (step.wait) this.#options.clock.time += 6000;
        await maintain(ingest);
        break;
      case "open":
        this.#open(step.partitions);
        break;
      case "split": {
        const row = this.#head(step.lane);
        if (row === undefined || row.count === 1) break;
        const maxBytes = Math.ceil(row.body.length / step.parts);
        this.#mayFail(() => feed.split(row, maxBytes));
        break;
      }
      case "refuse": {
        const row = this.#head(step.lane);
        if (row?.count !== 1) break;
        if (this.#mayFail(() => feed.refuse(row, REFUSED))) this.#broker.refuse(row);
        break;
      }
      case "fault":
        store.failingCommits = step.count;
        break;
      case "crash":
        this.node.crash();
        this.#start();
        break;
      case "stop":
        store.failingCommits = 0;
        this.node.stop();
        this.#start();
    }
    if (step.kind === "crash" || step.kind === "stop") this.assertState();
    else assert.ok(storage!.oldestNeeded() >= 0);
  }

  /** Everything that is still on its way arrives; then nothing is left. */
  async arrive(): Promise<void> {
    this.node.store.failingCommits = 0;
    if (this.node.output!.laneCount === 0) this.#open(2);
    const feed = this.node.output!;
    let moved = true;
    feed.onRows(() => moved = true);
    while (moved) {
      moved = false;
      for (let lane = 0; lane < feed.laneCount; lane++) {
        for (let row = this.#head(lane); row !== undefined; row = feed.take(lane)) {
          this.#send(row);
          moved = true;
        }
      }
    }
    while (this.#post(Infinity));
    const dropped = this.node.dropped();
    assert.equal(this.#broker.received + dropped.output, this.#submitted);
    const stored = this.#storage.received.size + dropped.storage;
    // What was posted just before a crash may be dropped after it: it is at least once there.
    assert.ok(this.#crashes > 0 ? stored >= this.#submitted : stored === this.#submitted);
    for (let turn = 0; turn < 3; turn++) {
      this.#options.clock.time += 6000;
      await maintain(this.node.ingest);
    }
    assert.deepEqual(this.node.store.journal.size(), { rows: 0, bytes: 0 });
    this.node.crash();
    this.#start();
    this.assertState();
    this.node.crash();
  }

  /** State and counters, after a start. */
  assertState(): void {
    const { read, results } = this.node.store.counters();
    assert.deepEqual([read, results], [this.#submitted, this.#submitted]);
    this.#counts.forEach((count, i) => {
      const device = this.node.device("default", `d${i}`);
      assert.equal(device?.temperature.count ?? 0, count);
      assert.equal(device?.temperature.sum ?? 0, count === 0 ? 0 : count * (count - 1) / 2);
    });
    assert.equal(this.node.totals().temperature.count, this.#submitted);
  }

  async #submit(count: number): Promise<void> {
    if (this.node.ingest.backlogFull) return;
    const bodies = Array.from({ length: count }, (_, i) => {
      const device = (this.#submitted + i * i) % DEVICES;
      return `{"device_id":"d${device}","temperature":${this.#counts[device]++}}`;
    });
    this.#submitted += count;
    await Promise.all(bodies.map((body) => this.node.ingest.submit(encoder.encode(body))));
  }

  #start(): void {
    this.#crashes++;
    this.node = startNode(this.#options);
    this.#broker.tell(this.node.output!);
  }

  #open(partitions: number): void {
    const topicId = `topic-${partitions}`;
    const feed = this.node.output!;
    if (!this.#mayFail(() => feed.open({ topicId, partitions }))) return;
    this.#broker.resize(partitions);
  }

  /** Whether it went well; the disk may be full. */
  #mayFail(work: () => void): boolean {
    try {
      work();
      return true;
    } catch (error) {
      assert.ok(error instanceof StoreUnavailable, String(error));
      return false;
    }
  }

  /** The lane's first row that isn't acknowledged, nothing being in flight. */
  #head(lane: number) {
    const feed = this.node.output!;
    if (lane >= feed.laneCount) return undefined;
    feed.rewind(lane);
    return feed.take(lane);
  }

  #send(row: NonNullable<ReturnType<NonNullable<Node["output"]>["take"]>>): void {
    this.#broker.receive(row);
    this.node.output!.acknowledge(row.lane, row.baseSequence + row.count, -1);
  }

  #post(records: number): boolean {
    const feed = this.node.storage!;
    const taken = feed.take();
    if (taken === undefined) return false;
    const { row, from } = taken;
    // A sink posts on from where it is: the rest of the row is lost to it only by a crash.
    const done = this.#storage.receive(row, { from, limit: records });
    feed.acknowledge(row.id, from + done);
    if (from + done < row.count) this.#crashed();
    return true;
  }

  #crashed(): void {
    this.node.crash();
    this.#start();
  }
}

async function travel(
  steps: readonly Parameters<Journey["take"]>[0][],
  options: ConstructorParameters<typeof Journey>[0],
): Promise<void> {
  const journey = new Journey(options);
  try {
    for (const step of steps) await journey.take(step);
    await journey.arrive();
  } finally {
    journey.node.crash();
  }
}

/** Until it is written: a store that fails is tried again in the background. */
async function maintain(ingest: Node["ingest"]): Promise<void> {
  ingest.maintain();
  while (ingest.unavailableSince > 0) await new Promise((resolve) => setTimeout(resolve, 1));
}

const limits = fc.record({
  maxBytes: fc.constantFrom(1500, 6000, Infinity),
  maxAgeMs: fc.constantFrom(5000, Infinity),
  policy: fc.constantFrom("block" as const, "drop_oldest" as const, "drop_newest" as const),
});

Deno.test("a journey with limits: what doesn't arrive was dropped, is counted once, and leaves nothing", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(steps, { maxLength: 60, size: "max" }),
      fc.constantFrom(1, 3000, 1e9),
      fc.record({ output: limits, storage: limits }),
      async (steps, memoryBytes, limits) => {
        using folder = tempFolder();
        const clock = { time: 1.77e12 };
        const options = { dir: folder.path, clock, memoryBytes, limits, storage: true };
        await travel(steps, options);
      },
    ),
    { numRuns: Number(Deno.env.get("JOURNEYS") ?? 100) },
  );
});

Deno.test("a journey of results: nothing lost, nothing twice, nothing left", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(steps, { maxLength: 60, size: "max" }),
      fc.constantFrom(1, 3000, 1e9),
      fc.constantFrom(1, 1e9),
      async (steps, memoryBytes, maxFleetBytes) => {
        using folder = tempFolder();
        const clock = { time: 1.77e12 };
        const options = { dir: folder.path, clock, memoryBytes, maxFleetBytes, storage: true };
        await travel(steps, options);
      },
    ),
    { numRuns: 80 },
  );
});
