/** Readers of the stream that never read, on real connections: what they cost ends, and nobody waits for them. */
import assert from "node:assert/strict";
import { serveApi } from "../../src/http/serve.ts";
import { EventReader } from "../harness/event_stream.ts";
import { SILENT } from "../store/samples.ts";
import { apiOver } from "./in_memory.ts";
import { eventually, reading, type Rig, streamRig } from "./stream_rig.ts";

const SLEEPERS = 4;
/** A batch of 600 results takes 0.2 MB: more than all buffers between two processes can have. */
const MOST_BATCHES = 600;

function serve(rig: Rig) {
  const { api } = apiOver({ stream: rig.readers });
  const warnings: string[] = [];
  const log = { ...SILENT, warn: (message: string) => void warnings.push(message) };
  return { ...serveApi({ app: api, host: "127.0.0.1", port: 0, log }), warnings };
}

/** It asks for the stream, and takes nothing of it. */
async function sleeper(port: number): Promise<Deno.TcpConn> {
  const connection = await Deno.connect({ port, hostname: "127.0.0.1" });
  await connection.write(
    new TextEncoder().encode("GET /api/stream HTTP/1.1\r\nhost: x\r\n\r\n"),
  );
  return connection;
}

/** Commits until all who sleep have as much as they may, and time is up for them. */
async function untilDropped(rig: Rig, awake: EventReader): Promise<number> {
  const batch = Array.from({ length: 600 }, () => reading("a"));
  let seen = 0;
  for (let i = 0; i < MOST_BATCHES; i++) {
    await rig.submit(...batch);
    seen += batch.length;
    await awake.until(({ events }) => events.length === seen);
    if (rig.readers.counts().dropped.unread === SLEEPERS) return seen;
    // Whoever has taken something since then is safe.
    rig.clock.time += 10_000;
  }
  throw new Error(`Drop readers: ${rig.readers.counts().dropped.unread} after ${seen} results`);
}

Deno.test("those who never read are dropped, then none but their connections is left; the others see everything", async () => {
  await using rig = streamRig({ limits: { readers: SLEEPERS + 1, readerBytes: 100_000 } });
  const { port, close } = serve(rig);
  const url = `http://127.0.0.1:${port}/api/stream`;
  const connections: Deno.TcpConn[] = [];
  for (let i = 0; i < SLEEPERS; i++) connections.push(await sleeper(port));
  const response = await fetch(url);
  await using awake = new EventReader(response.body!);
  await eventually(() => rig.readers.size === SLEEPERS + 1);
  const full = await fetch(url);
  assert.equal(full.status, 503);
  await full.body?.cancel();

  const seen = await untilDropped(rig, awake);
  assert.equal(new Set(awake.events.map(({ data }) => JSON.parse(data).id)).size, seen);
  assert.equal(rig.readers.size, 1);
  assert.equal(rig.readers.clinging, SLEEPERS);
  // Their places are free for others.
  const next = await fetch(url);
  assert.equal(next.status, 200);
  await next.body?.cancel();
  await eventually(() => rig.readers.size === 1);

  for (const connection of connections) connection.close();
  await eventually(() => rig.readers.clinging === 0);
  await rig.readers.close(1_000);
  await awake.toEnd();
  await close(5_000);
});

Deno.test("the server closes although connections of dropped readers are left", async () => {
  await using rig = streamRig({ limits: { readers: SLEEPERS + 1, readerBytes: 100_000 } });
  const { port, close, warnings } = serve(rig);
  const connections: Deno.TcpConn[] = [];
  for (let i = 0; i < SLEEPERS; i++) connections.push(await sleeper(port));
  const response = await fetch(`http://127.0.0.1:${port}/api/stream`);
  await using awake = new EventReader(response.body!);
  await untilDropped(rig, awake);
  await rig.readers.close(1_000);
  await awake.toEnd();
  await close(5_000);
  // A stream that nobody reads is no request that is waited for until it has to be cut off.
  assert.deepEqual(warnings, []);
  await eventually(() => rig.readers.clinging === 0);
  for (const connection of connections) connection.close();
});
