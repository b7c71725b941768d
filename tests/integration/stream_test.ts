/**
 * The stream beside a real engine that reads from Kafka, is killed and stopped: readers that come back by
 * their last id see the output topic's results, byte for byte and once; what they haven't seen they were
 * told.
 */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { EventReader, type StreamEvent } from "../harness/event_stream.ts";
import { LOAD_TENANTS, makeLoad, pour, seededRandom, Writer } from "./load.ts";
import { tempFolder } from "../harness/temp.ts";
import { makeRoad, type Road } from "./road.ts";

const SIGNALS = ["SIGKILL", "SIGTERM", "SIGKILL", "SIGKILL"] as const;
const PER_SECOND = 3_000;

interface Result {
  readonly tenant_id: string;
  readonly is_anomaly: boolean;
}

/** One that looks on over all of the engine's lives. */
class Viewer {
  readonly query: string;
  readonly wants: (result: Result) => boolean;
  readonly events: StreamEvent[] = [];
  missed = 0;
  gaps = 0;
  #lastId = "";
  #reader: EventReader | undefined;

  constructor(query: string, wants: (result: Result) => boolean) {
    this.query = query;
    this.wants = wants;
  }

  /** Until the engine ends. */
  async watch(address: string): Promise<void> {
    const headers = this.#lastId === "" ? undefined : { "last-event-id": this.#lastId };
    const response = await fetch(`${address}/api/stream${this.query}`, { headers });
    assert.equal(response.status, 200);
    this.#reader = new EventReader(response.body!);
    await this.#reader.until(({ retry }) => retry !== undefined);
  }

  /** Reads what has come so far, or until the end of the stream. */
  async toEnd(): Promise<void> {
    await this.#reader!.toEnd(60_000);
    this.#take();
  }

  async until(holds: (events: readonly StreamEvent[]) => boolean): Promise<void> {
    await this.#reader!.until(() => holds(this.#reader!.events), 60_000);
  }

  async leave(): Promise<void> {
    await this.#reader![Symbol.asyncDispose]();
    this.#take();
  }

  #take(): void {
    const { events, parser } = this.#reader!;
    for (const event of events) {
      if (event.type !== "gap") {
        this.events.push(event);
        continue;
      }
      const { reason, missed } = JSON.parse(event.data);
      assert.equal(reason, "not kept");
      this.gaps++;
      this.missed += missed;
    }
    this.#lastId = parser.lastEventId || this.#lastId;
  }
}

async function outputValues(road: Road): Promise<string[]> {
  const { output } = await road.records();
  return output.map(({ value }) => Buffer.from(value!).toString());
}

Deno.test("over kills and stops: each reader sees the output topic's results once, and is told what it missed", async () => {
  const seed = Number(Deno.env.get("KILL_SEED") ?? Math.floor(Math.random() * 2 ** 32));
  console.log(`KILL_SEED=${seed}`);
  using folder = tempFolder("stream-");
  const tenants = `${folder.path}/tenants.json`;
  await Deno.writeTextFile(tenants, JSON.stringify(LOAD_TENANTS));
  await using road = await makeRoad({ name: "stream", env: { TENANTS_FILE: tenants } });
  await using writer = new Writer(road.input);
  await writer.connect();
  const viewers = [
    new Viewer("", () => true),
    new Viewer("?tenant=north", (it) => it.tenant_id === "north"),
    new Viewer("?tenant=south&anomalies=true", (it) => it.tenant_id === "south" && it.is_anomaly),
  ];
  let address = await (await road.start()).ready();
  for (const viewer of viewers) await viewer.watch(address);
  const load = makeLoad({ devices: 300, random: seededRandom(seed) });
  const pouring = pour(load, { writer, perSecond: PER_SECOND, random: seededRandom(seed + 1) });
  for (const signal of SIGNALS) {
    for (const viewer of viewers) await viewer.until((events) => events.length >= 200);
    await Promise.all([road.program.kill(signal), ...viewers.map((viewer) => viewer.toEnd())]);
    address = await (await road.start()).ready();
    for (const viewer of viewers) await viewer.watch(address);
  }
  await pouring.stop();
  const { results } = await road.drained();
  // The last one of each tenant's results that it wants tells that there are no more.
  const marks = ["north", "south"].map((tenant_id) => ({
    key: "last",
    value: JSON.stringify({ device_id: "last", temperature: 99, humidity: 99, tenant_id }),
  }));
  await writer.send(marks);
  const isLast = ({ data }: StreamEvent) => data.startsWith('{"device_id":"last",');
  const lasts = [2, 1, 1];
  for (const [i, viewer] of viewers.entries()) {
    await viewer.until((events) => events.filter(isLast).length === lasts[i]);
    await viewer.leave();
  }
  await road.drained();
  const values = await outputValues(road);
  assert.equal(values.length, results + 2);
  for (const viewer of viewers) {
    const wanted = new Set(values.filter((value) => viewer.wants(JSON.parse(value))));
    const seen = new Set(viewer.events.map(({ data }) => data));
    assert.equal(seen.size, viewer.events.length, "one came twice");
    for (const value of seen) assert.ok(wanted.has(value), `${viewer.query}: ${value}`);
    const unseen = wanted.size - seen.size;
    if (viewer.query === "") assert.equal(unseen, viewer.missed);
    assert.ok(unseen <= viewer.missed, `${viewer.query}: ${unseen} weren't seen`);
    for (const { type, data } of viewer.events) {
      assert.equal(type, JSON.parse(data).is_anomaly ? "anomaly" : "result");
    }
    console.log(`${viewer.query}: ${seen.size} seen, ${unseen} not, ${viewer.gaps} gaps`);
  }
});
