/**
 * Many tenants with a few devices each, all of them sending in turns until every window is full: what the
 * process takes, and how soon a page of statistics is answered meanwhile.
 */
import { Buffer } from "node:buffer";
import { partitionOf } from "../oracle/murmur2.ts";
import { makeProducer, PARTITIONS } from "./load.ts";
import { CpuMeter, memory } from "./machine.ts";
import { reached, type Stage, startEngine } from "./stage.ts";
import { type Figures, quantile } from "./table.ts";

export interface FleetLoad {
  readonly tenants: number;
  /** Of each tenant; the same ids everywhere. */
  readonly devices: number;
  /** Readings of each device. */
  readonly rounds: number;
  /** Decimal places of the values: beyond four they are no ten-thousandths, and take more memory. */
  readonly places: number;
}

/** Readings in one request. */
const CHUNK = 10_000;
const START = Date.parse("2026-01-01T00:00:00.000Z");
const PAGES = 200;

/** The fleet's readings in a topic; how many. */
export async function fillFleet(stage: Stage, load: FleetLoad): Promise<FilledFleet> {
  const topic = await stage.topic("bench-in");
  const { tenants, devices, rounds } = load;
  const keys = Array.from({ length: devices }, (_, i) => Buffer.from(`device-${i}`));
  const lanes = keys.map((key) => partitionOf(key, PARTITIONS));
  const producer = makeProducer(stage.broker.bootstrap);
  const total = tenants * devices * rounds;
  for (let number = 0; number < total;) {
    const messages = [];
    for (; number < total && messages.length < CHUNK; number++) {
      const device = number % devices, tenant = Math.floor(number / devices) % tenants;
      const value = Buffer.from(readingOf(load, { number, device, tenant }));
      messages.push({ topic, partition: lanes[device], key: keys[device], value });
    }
    await producer.send({ messages, acks: -1 });
  }
  await producer.close();
  return { topic, load, readings: total };
}

export interface FilledFleet {
  readonly topic: string;
  readonly load: FleetLoad;
  readonly readings: number;
}

function readingOf(
  { places }: FleetLoad,
  { number, device, tenant }: { number: number; device: number; tenant: number },
): string {
  const temperature = (8 + ((number * 31) % 24_001) / 1001).toFixed(places);
  const humidity = (18 + ((number * 17) % 64_007) / 1001).toFixed(places);
  return `{"device_id":"device-${device}","temperature":${temperature},"humidity":${humidity},` +
    `"timestamp":"${new Date(START + number).toISOString()}","tenant_id":"tenant-${tenant}"}`;
}

export async function measureFleet(stage: Stage, filled: FilledFleet): Promise<Figures> {
  const { topic: input, readings, load } = filled;
  const output = await stage.topic("bench-out");
  await using engine = await startEngine(stage, { input, output });
  const { program, started } = engine;
  const address = await program.ready("/health/live");
  const cpu = new CpuMeter({ engine: program.pid });
  const samples: number[] = [];
  const done = await reached(stage, output, {
    end: readings,
    engine,
    seen: () => samples.push(memory(program.pid).now),
  });
  const used = cpu.read();
  const peak = memory(program.pid).peak;
  const metrics = await (await fetch(`${address}/metrics`)).text();
  const series = metrics.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  const valueOf = (name: string) =>
    Number(series.find((line) => line.startsWith(`${name} `))?.split(" ")[1]);
  const pages = await timePages(address, load);
  const idle = memory(program.pid).now;
  await program.kill("SIGTERM");
  return {
    "devices": load.tenants * load.devices,
    "readings/s": readings / (done - started) * 1000,
    "engine us CPU/reading": used.engine / readings * 1e6,
    "resident MiB, at most": peak,
    "resident MiB, median": quantile(samples, 0.5),
    "resident MiB after the pages": idle,
    "JavaScript heap MiB": valueOf("plumbline_heap_bytes") / 1024 ** 2,
    "devices in memory": valueOf("plumbline_devices_in_memory"),
    "counted MiB": valueOf("plumbline_fleet_bytes") / 1024 ** 2,
    "metric series": series.length,
    "page of 1,000, p50 ms": quantile(pages, 0.5),
    "page of 1,000, p99 ms": quantile(pages, 0.99),
  };
}

/** Pages of the statistics without their windows, one behind the other, as somebody would turn them. */
async function timePages(address: string, load: FleetLoad): Promise<number[]> {
  const times: number[] = [];
  const last = Math.min(PAGES, Math.ceil(load.tenants * load.devices / 1000));
  let path = "/api/stats?limit=1000&readings=false";
  for (let page = 0; page < last; page++) {
    const asked = performance.now();
    const answer = await (await fetch(address + path)).json();
    times.push(performance.now() - asked);
    if (answer.next === undefined) break;
    path = `/api/stats?limit=1000&readings=false&after=${encodeURIComponent(answer.next)}`;
  }
  return times;
}
