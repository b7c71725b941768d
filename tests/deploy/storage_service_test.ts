/** deploy/storage_service.ts: what compose.yaml runs beside the engine, with the permissions that it has there. */
import assert from "node:assert/strict";
import { freePort } from "../../tools/ports.ts";
import { Program, startProgram } from "../harness/process.ts";
import { tempFolder } from "../harness/temp.ts";

const SERVICE = new URL("../../deploy/storage_service.ts", import.meta.url).pathname;

async function startStorage(dir: string, port: number): Promise<Program> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--quiet", "--no-prompt", "--allow-net"],
      ...[`--allow-read=${dir}`, `--allow-write=${dir}`, SERVICE, String(port), dir],
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const program = new Program(child);
  await program.line("listening on");
  return program;
}

Deno.test("each result of an engine is kept once; what isn't one is refused", async () => {
  using folder = tempFolder();
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  await using storage = await startStorage(folder.path, port);
  await using engine = await startProgram({
    env: {
      KAFKA_ENABLED: "false",
      STORAGE_SERVICE_URL: url,
      DATA_DIR: `${folder.path}/data`,
    },
  });
  const address = await engine.ready();
  const body = JSON.stringify(
    Array.from({ length: 20 }, (_, i) => ({ device_id: `device-${i}`, temperature: 20 + i })),
  );
  assert.equal((await fetch(`${address}/api/data`, { method: "POST", body })).status, 200);
  const kept = () =>
    Deno.readTextFileSync(`${folder.path}/results.ndjson`).split("\n").slice(0, -1)
      .map((line) => JSON.parse(line));
  while (kept().length < 20) await new Promise((resolve) => setTimeout(resolve, 20));

  const post = async (text: string, key?: string) => {
    const headers = key === undefined ? undefined : { "idempotency-key": key };
    const response = await fetch(`${url}/api/store`, { method: "POST", body: text, headers });
    return [response.status, (await response.json()).message];
  };
  const [first] = kept();
  assert.deepEqual(await post(JSON.stringify(first), first.id), [200, "Data stored successfully"]);
  assert.equal(kept().length, 20);
  assert.equal(new Set(kept().map(({ id }) => id)).size, 20);
  assert.deepEqual(await post("{"), [400, "Invalid JSON data: it isn't JSON"]);
  assert.deepEqual(await post("[]"), [400, "Invalid JSON data: device_id is required"]);
  assert.deepEqual(await post('{"device_id":"a"}'), [
    400,
    "Invalid JSON data: tenant_id is required",
  ]);
  assert.equal((await post(`"${"x".repeat(1024 ** 2)}"`))[0], 413);
  assert.equal((await post('{"device_id":"a","tenant_id":"b"}'))[0], 200);
  assert.equal(kept().length, 21);
  assert.equal((await fetch(`${url}/health`)).status, 200);
  assert.equal((await fetch(`${url}/api/store`)).status, 405);
  assert.deepEqual(await storage.kill("SIGTERM"), { code: 0, signal: null });
});
