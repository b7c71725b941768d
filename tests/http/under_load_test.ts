/**
 * Statistics are read without a pause while requests with new and known devices come in: no number is
 * torn, and nothing that was sent is missing at the end. (The full load is the bench's: `bench http`.)
 */
import assert from "node:assert/strict";
import { startProgram } from "../harness/process.ts";
import { tempFolder } from "../harness/temp.ts";

const WRITERS = 4;
const REQUESTS = 150;
/** Devices of one request, and its readings: one of each. */
const DEVICES = 20;
/** After so many requests a writer goes on with devices that nobody knows yet. */
const GENERATION = 15;
const WINDOW = 10;

interface Window {
  readings: number[];
  avg: number;
  min: number;
  max: number;
  count: number;
}

interface Device {
  temperature: Window;
  humidity: Window;
}

interface Stats {
  data: { temperature: Window & { sum: number }; humidity: Window & { sum: number } } & {
    devices: Record<string, Device>;
  };
  processing: { messages_processed: number };
}

/** All readings of a request have the same value: a request that is half there would show. */
function linesOf(writer: number, request: number): string {
  const generation = Math.floor(request / GENERATION);
  return Array.from({ length: DEVICES }, (_, device) =>
    JSON.stringify({
      device_id: `${writer}-${generation}-${device}`,
      tenant_id: `tenant-${writer}`,
      temperature: request,
      humidity: request,
    })).join("\n");
}

async function write(address: string, writer: number): Promise<void> {
  for (let request = 0; request < REQUESTS; request++) {
    const response = await fetch(`${address}/api/data`, {
      method: "POST",
      headers: { "content-type": "application/x-ndjson" },
      body: linesOf(writer, request),
    });
    assert.deepEqual(await response.json(), { status: "ok", accepted: DEVICES, rejected: [] });
  }
}

async function read(address: string, path: string) {
  const response = await fetch(address + path);
  assert.ok(response.status === 200 || response.status === 404, `${path}: ${response.status}`);
  return { status: response.status, answer: await response.json() };
}

/** What holds at the end of every transaction, and so in every answer. */
function checkStats({ data, processing }: Stats): void {
  const { temperature, humidity, devices } = data;
  assert.deepEqual(temperature, humidity);
  assert.equal(temperature.count, processing.messages_processed);
  assert.equal(temperature.count % DEVICES, 0, "half of a request");
  const generations = Map.groupBy(
    Object.entries(devices),
    ([name]) => name.slice(0, name.lastIndexOf("-")),
  );
  for (const [name, members] of generations) {
    assert.equal(members.length, DEVICES, `${name}: some of its devices`);
    for (const [, device] of members) {
      checkDevice(device);
      assert.deepEqual(device, members[0][1], name);
    }
  }
}

function checkDevice({ temperature, humidity }: Device): void {
  assert.deepEqual(temperature, humidity);
  const { readings, avg, min, max, count } = temperature;
  assert.equal(readings.length, Math.min(count, WINDOW));
  assert.equal(avg, readings.reduce((sum, value) => sum + value, 0) / readings.length);
  assert.deepEqual([min, max], [readings[0], readings.at(-1)]);
  assert.equal(max - min, readings.length - 1);
}

Deno.test("statistics read while requests come in: nothing is torn, nothing is missing", async () => {
  using folder = tempFolder("under-load-");
  await using program = await startProgram({
    env: { KAFKA_ENABLED: "false", DATA_DIR: folder.path, MAX_READINGS: String(WINDOW) },
  });
  const address = await program.ready();
  let writing = true;
  const writers = Array.from({ length: WRITERS }, (_, writer) => write(address, writer));
  const written = Promise.all(writers).finally(() => writing = false);
  let pages = 0, devices = 0;
  const readers = Array.from({ length: 8 }, async (_, reader) => {
    const writer = reader % WRITERS;
    while (writing) {
      if (reader < WRITERS) {
        const { answer } = await read(address, `/api/stats?tenant=tenant-${writer}`);
        checkStats(answer);
        pages++;
      } else {
        const { status, answer } = await read(address, `/api/stats/device/${writer}-3-7`);
        if (status === 200) checkDevice(answer.data);
        devices++;
      }
    }
  });
  await Promise.all([written, ...readers]);
  assert.ok(pages > 50 && devices > 50, `${pages} pages, ${devices} devices: a test of nothing`);
  const { answer } = await read(address, "/api/stats?limit=1000");
  assert.equal(answer.processing.messages_processed, WRITERS * REQUESTS * DEVICES);
  assert.equal(Object.keys(answer.data.devices).length, WRITERS * DEVICES * REQUESTS / GENERATION);
  assert.deepEqual(await program.kill("SIGTERM"), { code: 0, signal: null });
});
