/** The program's own answers to those who start it, stop it and send to it, when things are not well. */
import assert from "node:assert/strict";
import { startProgram } from "../harness/process.ts";
import { tempFolder } from "../harness/temp.ts";

/** An address that nothing listens on. */
function nowhere(): string {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return `127.0.0.1:${port}`;
}

async function ask(address: string, path: string) {
  const response = await fetch(address + path);
  return { status: response.status, answer: await response.json() };
}

Deno.test("no broker: alive, but not ready; readings over HTTP are taken all the same", async () => {
  using folder = tempFolder("ready-");
  await using program = await startProgram({
    env: { KAFKA_BROKER: nowhere(), DATA_DIR: folder.path, MAX_READING: "5" },
  });
  const address = await program.ready("/health/live");
  await program.line("MAX_READING is no setting");
  const { status, answer } = await ask(address, "/health/ready");
  assert.equal(status, 503);
  assert.equal(answer.status, "error");
  assert.deepEqual(Object.keys(answer.failed), ["kafka", "output"]);
  const health = await ask(address, "/health");
  assert.equal(health.status, 200);
  assert.equal(health.answer.running, true);
  assert.ok(["connecting", "error"].includes(health.answer.kafka), health.answer.kafka);
  const posted = await fetch(`${address}/api/data`, { method: "POST", body: '{"device_id":"a"}' });
  assert.equal((await posted.json()).status, "ok");
  assert.equal((await program.kill("SIGTERM")).code, 0);
});

Deno.test("a backlog that is full: 429 for readings alone and together, and not ready", async () => {
  using folder = tempFolder("backlog-");
  await using program = await startProgram({
    env: {
      KAFKA_ENABLED: "false",
      STORAGE_SERVICE_URL: `http://${nowhere()}`,
      BACKLOG_MAX_BYTES: "16MiB",
      DATA_DIR: folder.path,
    },
  });
  const address = await program.ready();
  const line = '{"device_id":"a","temperature":21.5}\n';
  const post = (body: string) =>
    fetch(`${address}/api/data`, {
      method: "POST",
      headers: { "content-type": "application/x-ndjson" },
      body,
    });
  let accepted = 0;
  let refused: Response | undefined;
  while (refused === undefined && accepted < 1_000_000) {
    const response = await post(line.repeat(10_000));
    if (response.status !== 200) refused = response;
    else accepted += (await response.json()).accepted;
  }
  assert.equal(refused?.status, 429);
  assert.equal(refused.headers.get("retry-after"), "5");
  assert.match(
    (await refused.json()).message,
    /^taking readings: the backlog is full; nothing was taken$/,
  );
  const single = await fetch(`${address}/api/data`, { method: "POST", body: line });
  assert.equal(single.status, 429);
  await single.body?.cancel();
  const { processing } = (await ask(address, "/api/stats")).answer;
  assert.equal(processing.messages_processed, accepted);
  const ready = await ask(address, "/health/ready");
  assert.equal(ready.status, 503);
  assert.match(ready.answer.failed.progress, /^the backlog is full/);
  assert.equal((await ask(address, "/health/live")).status, 200);
  assert.equal((await program.kill("SIGTERM")).code, 0);
});
