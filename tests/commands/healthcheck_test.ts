import assert from "node:assert/strict";
import { startProgram } from "../harness/process.ts";
import { tempFolder } from "../harness/temp.ts";

async function ask(port: number, { args = [] as string[], host = "127.0.0.1" } = {}) {
  using folder = tempFolder();
  await using program = await startProgram({
    args: ["healthcheck", ...args],
    env: { METRICS_PORT: String(port), HOST: host, ALLOW_ANONYMOUS: "true", DATA_DIR: folder.path },
  });
  const { code } = await program.exited;
  return { code, text: program.stdout + program.stderr };
}

/** An engine as far as it is asked here. */
function standIn(answers: Record<string, () => Response | Promise<Response>>) {
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    (request) => answers[new URL(request.url).pathname](),
  );
  return { port: server.addr.port, [Symbol.asyncDispose]: () => server.shutdown() };
}

Deno.test("an engine that is ready, or alive: 0 and one line", async () => {
  await using engine = standIn({
    "/health/ready": () => Response.json({ status: "ok" }),
    "/health/live": () => Response.json({ status: "ok" }),
  });
  const [ready, live, everywhere] = await Promise.all([
    ask(engine.port),
    ask(engine.port, { args: ["--live"] }),
    ask(engine.port, { host: "0.0.0.0" }),
  ]);
  assert.deepEqual(ready, { code: 0, text: "ready\n" });
  assert.deepEqual(live, { code: 0, text: "alive\n" });
  assert.deepEqual(everywhere, ready);
});

Deno.test("one that isn't: 1, and what it says about it in one line", async () => {
  const message = "store: it can't be written\nsince noon; output: away";
  await using engine = standIn({
    "/health/ready": () => Response.json({ status: "error", message }, { status: 503 }),
    "/health/live": () => new Response("gone", { status: 500 }),
  });
  const [ready, live] = await Promise.all([
    ask(engine.port),
    ask(engine.port, { args: ["--live"] }),
  ]);
  assert.deepEqual(ready, {
    code: 1,
    text: "not ready: store: it can't be written since noon; output: away\n",
  });
  assert.deepEqual(live, { code: 1, text: "not alive: status 500\n" });
});

Deno.test("no answer, none in time: 1; settings that lead nowhere: 2", async () => {
  const waiting = Promise.withResolvers<Response>();
  await using slow = standIn({ "/health/ready": () => waiting.promise });
  const closed = Deno.listen({ port: 0 });
  const { port } = closed.addr as Deno.NetAddr;
  closed.close();
  const [refused, late, unknown] = await Promise.all([
    ask(port),
    ask(slow.port, { args: ["--timeout", "0.2"] }),
    ask(0),
  ]);
  waiting.resolve(new Response());
  assert.deepEqual(refused, {
    code: 1,
    text: `no answer from http://127.0.0.1:${port}/health/ready: Connection refused\n`,
  });
  assert.equal(late.code, 1);
  assert.match(late.text, /no answer in time\n$/);
  assert.equal(unknown.code, 2);
  assert.match(unknown.text, /METRICS_PORT="0" is any free port: nobody knows which/);
});
