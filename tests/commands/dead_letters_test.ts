/** `plumbline dead-letters` as people run it, beside an engine that runs and on a folder at rest. */
import assert from "node:assert/strict";
import { startProgram } from "../harness/process.ts";
import { tempFolder } from "../harness/temp.ts";
import { open } from "../store/samples.ts";

const BAD = '{"device_id":"d","temperature":"warm"}';

/** A storage service that takes everything, or refuses everything for good. */
function storageService() {
  const state = { refuses: true, posts: [] as string[] };
  const stored = Promise.withResolvers<void>();
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async (request) => {
    const body = await request.text();
    if (state.refuses) return new Response("\u001b[31mno", { status: 422 });
    state.posts.push(body);
    stored.resolve();
    return Response.json({});
  });
  return {
    state,
    stored: stored.promise,
    url: `http://127.0.0.1:${server.addr.port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

function rig(env: Record<string, string> = {}) {
  const folder = tempFolder();
  const settings = { KAFKA_ENABLED: "false", DATA_DIR: folder.path, ...env };
  const start = (more: Record<string, string> = {}) =>
    startProgram({ env: { ...settings, ...more } });
  /** Runs a command to its end. */
  async function run(args: string[], more: Record<string, string> = {}) {
    await using program = await startProgram({
      args: ["dead-letters", ...args],
      env: { ...settings, METRICS_PORT: "1", ...more },
    });
    const { code } = await program.exited;
    return { code, stdout: program.stdout, stderr: program.stderr };
  }
  return { path: folder.path, start, run, [Symbol.dispose]: () => folder[Symbol.dispose]() };
}

async function post(address: string, body: string): Promise<number> {
  const response = await fetch(`${address}/api/data`, { method: "POST", body });
  await response.body?.cancel();
  return response.status;
}

/** Waits until the engine has so many letters. */
async function kept(address: string, count: number): Promise<void> {
  for (;;) {
    const answer = await (await fetch(`${address}/api/dead-letters`)).json();
    if (answer.kept === count) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

Deno.test("against an engine that runs: list, show, a dry run, replay, discard", async () => {
  await using service = storageService();
  using it = rig({ STORAGE_SERVICE_URL: service.url });
  await using engine = await it.start();
  const address = await engine.ready();
  assert.equal(await post(address, BAD), 400);
  assert.equal(await post(address, '{"device_id":"d","tenant_id":"north","temperature":21}'), 200);
  await kept(address, 2);
  const port = new URL(address).port;
  const run = (...args: string[]) => it.run(args, { METRICS_PORT: port });

  const [list, json, filtered, show, dry, held] = await Promise.all([
    run("list"),
    run("list", "--json", "--url", address),
    run("list", "--sink", "storage", "--limit", "1"),
    run("show", "2"),
    run("replay", "--reason", "status", "--dry-run"),
    run("list", "--at-rest"),
  ]);
  assert.equal(list.code, 0, list.stderr);
  assert.match(
    list.stdout,
    /^number +kept at +sink +tenant +id +bytes +reason\n1 +\S+Z +input +- /,
  );
  assert.match(
    list.stdout,
    /\n2 +\S+ +storage +north +\w+ +\d+ +status 422\n\n2 of 2 dead letters\n$/,
  );
  assert.deepEqual(JSON.parse(json.stdout).letters.map((it: { sink: string }) => it.sink), [
    "input",
    "storage",
  ]);
  assert.match(filtered.stdout, /\n2 +[^\n]+\n\n1 of 2 dead letters\n$/);
  assert.match(show.stdout, /^number +2\n/);
  assert.match(show.stdout, /\nstatus +422\nanswer +\\u001b\[31mno\nattempts +1\n/);
  assert.match(show.stdout, /\n\n\{"device_id":"d","temperature":21,.*\}\n$/);
  assert.match(dry.stdout, /^replay would find 1 dead letter; nothing was done\n\nnumber/);
  assert.equal(held.code, 3);
  assert.match(held.stderr, /another one holds .*; an engine that runs is asked by its address/);

  service.state.refuses = false;
  const replayed = await run("replay", "2");
  assert.deepEqual(replayed, { code: 0, stdout: "1 dead letter replayed\n", stderr: "" });
  await service.stored;
  assert.equal(JSON.parse(service.state.posts[0]).tenant_id, "north");
  const again = await run("replay", "--all");
  assert.equal(
    again.stdout,
    "1 dead letter replayed\n1 of them rejected again, under new numbers\n",
  );
  const discarded = await run("discard", "--sink", "input", "--json");
  assert.deepEqual(JSON.parse(discarded.stdout), {
    status: "ok",
    dry_run: false,
    matched: 1,
    discarded: 1,
  });
  assert.deepEqual((await run("list")).stdout, "0 of 0 dead letters\n");
  assert.deepEqual(await engine.kill("SIGTERM"), { code: 0, signal: null });
});

Deno.test("at rest: list and discard in the folder; what is to be replayed the next start replays", async () => {
  using it = rig({ MAX_READING_BYTES: "1KiB" });
  const long = `{"device_id":"long","temperature":20,"note":"${"x".repeat(2000)}"}`;
  await using first = await it.start();
  const address = await first.ready();
  // Alone it would be refused for its length, not rejected.
  for (const body of [`[${long}]`, BAD, BAD]) assert.equal(await post(address, body), 400);
  await first.kill();

  const list = await it.run(["list", "--at-rest"]);
  assert.match(list.stdout, /\n3 of 3 dead letters\n$/, list.stderr);
  const gone = await it.run(["discard", "2", "3", "77", "--at-rest"]);
  assert.deepEqual(gone, { code: 0, stdout: "2 dead letters discarded\n", stderr: "" });
  const marked = await it.run(["replay", "--reason", "reading:", "--at-rest"]);
  assert.equal(
    marked.stdout,
    "1 dead letter marked: the engine's next start replays them\n",
    marked.stderr,
  );
  assert.match((await it.run(["list", "--at-rest"])).stdout, /\n1 of 1 dead letters\n$/);

  await using second = await it.start({ MAX_READING_BYTES: "1MiB" });
  const line = await second.line("that were marked for this start were replayed");
  const { matched, replayed, rejectedAgain, left } = JSON.parse(line);
  assert.deepEqual([matched, replayed, rejectedAgain, left], [1, 1, 0, 0]);
  const stats = await fetch(`${await second.ready()}/api/stats/device/long`);
  assert.equal((await stats.json()).data.temperature.count, 1);
  assert.deepEqual(await second.kill("SIGTERM"), { code: 0, signal: null });
  const store = open(it.path);
  assert.deepEqual(store.deadLetters({ limit: 9 }), []);
  store.close();
});

Deno.test("what can't be done is said, with the way that can, and its exit code", async () => {
  using it = rig();
  const nowhere = `${it.path}/nowhere`;
  const table: [string[], Record<string, string>, number, RegExp][] = [
    [["list"], {}, 1, /no answer from http:\/\/127\.0\.0\.1:1: .*; if no engine runs, --at-rest/],
    [["list", "--at-rest"], { DATA_DIR: nowhere }, 1, /nowhere\/plumbline\.db: .*DATA_DIR names/],
    [["replay"], {}, 2, /expected one of these: letters' numbers, filters like --sink, --all/],
    [["discard", "1", "--all"], {}, 2, /expected one of these: letters' numbers/],
    [["show", "x"], {}, 2, /Expected a whole number from 1/],
    [["list", "--sink", "kafka"], {}, 2, /Allowed choices are input, output, storage/],
    [["list", "--since", "noon"], {}, 2, /Expected a time like/],
    [["list", "--at-rest", "--url", "http://a:1"], {}, 2, /--at-rest and --url: expected one/],
    [["list"], { METRICS_PORT: "0" }, 2, /is any free port/],
    [["lst"], {}, 2, /unknown command 'lst'/],
  ];
  const answers = await Promise.all(table.map(([args, env]) => it.run(args, env)));
  for (const [i, { code, stderr }] of answers.entries()) {
    const [args, , expected, text] = table[i];
    assert.match(stderr, text, args.join(" "));
    assert.equal(code, expected, stderr);
  }
  assert.throws(() => Deno.statSync(nowhere), Deno.errors.NotFound);
});
