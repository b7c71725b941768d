/**
 * Readers that come, go, sleep and come back in any order, beside commits, checkpoints that prune and
 * kills: each sees the results that are meant for it, in order and once; what it doesn't see a gap has
 * told; and never anything of a tenant whose data it may not see.
 */
import assert from "node:assert/strict";
import * as fc from "fast-check";
import { seededRandom } from "../harness/random.ts";
import type { EventReader } from "../harness/event_stream.ts";
import { type Asked, reading, type Rig, streamRig } from "./stream_rig.ts";

const TENANTS = ["north", "south", "nor", 'x"},"tenant_id":"north","is_anomaly":true,"y":"'];
const DEVICES = ["a", "aa", '"is_anomaly":true', "north"];
const STEPS = 30;

type Random = () => number;

function anyOf<T>(random: Random, all: readonly T[]): T {
  return all[Math.floor(random() * all.length)];
}

interface Result {
  readonly text: string;
  readonly tenant_id: string;
  readonly device_id: string;
  readonly is_anomaly: boolean;
}

interface Truth {
  readonly all: readonly Result[];
  /** Whether it is still in the journal. */
  readonly isKept: (number: number) => boolean;
}

/** One that looks on: what it asks for, and how far it has come. */
class Viewer {
  readonly asked: Asked;
  /** Results that lie behind it. */
  seen: number;
  reader: EventReader | undefined;
  #checked = 0;
  #lastEventId: string | undefined;
  gaps = 0;
  /** A gap has said that something is missing, and couldn't say how much. */
  #isAnywhere = false;

  constructor(asked: Asked, seen: number) {
    this.asked = asked;
    this.seen = seen;
  }

  connect(rig: Rig): void {
    this.reader = rig.open({ ...this.asked, lastEventId: this.#lastEventId });
    this.#checked = 0;
  }

  async leave(): Promise<void> {
    this.#lastEventId = this.reader?.parser.lastEventId || this.#lastEventId;
    await this.reader?.[Symbol.asyncDispose]();
    this.reader = undefined;
  }

  wants({ tenant_id, device_id, is_anomaly }: Result): boolean {
    const { query = {}, tenants } = this.asked;
    return (tenants?.has(tenant_id) ?? true) &&
      (query.tenant ?? tenant_id) === tenant_id && (query.device ?? device_id) === device_id &&
      (query.anomalies !== "true" || is_anomaly);
  }

  /** Reads until it stands at the end, or was dropped, and holds what it saw to the truth. */
  async catchUp(rig: Rig, truth: Truth): Promise<void> {
    const { reader } = this;
    if (reader === undefined) return;
    const end = rig.store.journal.lastId() + 1;
    // One that comes back to the end isn't told where it stands: it knows.
    const place = (told: string) => rowOf(told || this.#lastEventId!);
    await reader.until(({ lastEventId }) => reader.ended || place(lastEventId) === end)
      .catch((error) => {
        if (!reader.ended) throw error;
      });
    this.#check(truth);
    // It comes back, and is told why.
    if (reader.ended) return await this.leave();
    assert.equal(truth.all.findIndex((it, number) => number >= this.seen && this.wants(it)), -1);
  }

  #check(truth: Truth): void {
    for (; this.#checked < this.reader!.events.length; this.#checked++) {
      const { type, data } = this.reader!.events[this.#checked];
      if (type === "gap") {
        this.#gap(JSON.parse(data), truth);
        continue;
      }
      const next = truth.all.findIndex((it, number) =>
        number >= this.seen && this.wants(it) && (!this.#isAnywhere || it.text === data)
      );
      assert.ok(next >= 0, `more than there is: ${data}`);
      assert.equal(data, truth.all[next].text);
      assert.equal(type, truth.all[next].is_anomaly ? "anomaly" : "result");
      this.#pass(next, truth);
      this.seen = next + 1;
    }
    if (this.#isAnywhere) this.#pass(truth.all.length, truth);
  }

  /** What lies before that one, and is meant for it, was missed: it can't be kept. */
  #pass(before: number, { all, isKept }: Truth): void {
    for (; this.seen < before; this.seen++) {
      const missed = this.wants(all[this.seen]) && isKept(this.seen);
      assert.ok(!missed, `${this.seen} of ${all.length} is kept, and wasn't shown`);
    }
    this.#isAnywhere = false;
  }

  #gap({ reason, missed }: { reason: string; missed: number | null }, truth: Truth): void {
    assert.equal(reason, "not kept");
    this.gaps++;
    if (this.asked.tenants !== null) {
      assert.equal(missed, null);
      this.#isAnywhere = true;
      return;
    }
    // Its id may stand behind results that it doesn't want.
    const from = Number(/\.(\d+)$/.exec(this.#lastEventId!)![1]);
    assert.ok(from >= this.seen && missed! > 0, `${from} ${this.seen} ${missed}`);
    for (let number = from; number < from + missed!; number++) {
      assert.ok(!truth.isKept(number), `${number} of ${truth.all.length} is kept`);
    }
    this.seen = from + missed!;
  }
}

function rowOf(id: string): number {
  return Number(id.split(".")[1]);
}

function anyAsked(random: Random): Asked {
  const query: Record<string, string> = {};
  if (random() < 0.4) query.tenant = anyOf(random, TENANTS);
  if (random() < 0.4) query.device = anyOf(random, DEVICES);
  if (random() < 0.4) query.anomalies = "true";
  const tenants = random() < 0.5 ? null : new Set(TENANTS.filter(() => random() < 0.5));
  return { query, tenants };
}

async function journey(seed: number): Promise<{ gaps: number; results: number }> {
  const random = seededRandom(seed);
  const small = random() < 0.5 ? 3_000 : undefined;
  const options = { tailBytes: small, limits: { readers: 1000, readerBytes: 2_000 } };
  let rig = streamRig(options);
  const rigs = [rig];
  const all: Result[] = [];
  /** The journal row that each result stands in. */
  const rows: number[] = [];
  const viewers: Viewer[] = [];
  const isKept = (number: number) => rig.store.journal.row(rows[number]) !== undefined;
  const truth = { all, isKept };
  try {
    for (let step = 0; step < STEPS; step++) {
      const dice = random();
      if (dice < 0.45) {
        const texts = Array.from(
          { length: 1 + Math.floor(random() * 8) },
          () =>
            reading(anyOf(random, DEVICES), {
              tenant: anyOf(random, TENANTS),
              anomaly: random() < 0.3,
            }),
        );
        for (const text of await rig.submit(...texts)) {
          all.push({ ...JSON.parse(text), text });
          rows.push(rig.store.journal.lastId());
        }
      } else if (dice < 0.6) {
        const viewer = new Viewer(anyAsked(random), all.length);
        viewer.connect(rig);
        // Where it begins is settled when it has its first id.
        await viewer.reader!.until(({ lastEventId }) => lastEventId !== "");
        viewers.push(viewer);
      } else if (dice < 0.7) {
        for (const viewer of viewers) if (random() < 0.5) await viewer.leave();
      } else if (dice < 0.8) {
        for (const viewer of viewers) await viewer.catchUp(rig, truth);
      } else if (dice < 0.9) {
        rig.prune();
      } else {
        for (const viewer of viewers) await viewer.leave();
        rig = streamRig({ ...options, after: rig });
        rigs.push(rig);
      }
    }
    for (const viewer of viewers) {
      for (let times = 0; viewer.reader === undefined; times++) {
        assert.ok(times < all.length, "it comes back to the same place again and again");
        viewer.connect(rig);
        await viewer.catchUp(rig, truth);
      }
      await viewer.catchUp(rig, truth);
    }
    return { gaps: viewers.reduce((sum, { gaps }) => sum + gaps, 0), results: all.length };
  } finally {
    for (const viewer of viewers) await viewer.leave();
    for (const each of rigs.toReversed()) await each[Symbol.asyncDispose]();
  }
}

Deno.test("whatever happens, each reader sees its results once and in order, or is told", async () => {
  let gaps = 0, results = 0;
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 2 ** 31 }), async (seed) => {
      const found = await journey(seed);
      gaps += found.gaps;
      results += found.results;
    }),
    { numRuns: 30, endOnFailure: true },
  );
  assert.ok(gaps > 5 && results > 500, `${gaps} gaps, ${results} results: a test of nothing`);
});
