/** What a supervisor is told, over a real socket by a real engine. */
import assert from "node:assert/strict";
import { Supervisor, watchdogTime } from "../../src/commands/supervisor.ts";
import { Program, startProgram } from "../harness/process.ts";
import { tempFolder } from "../harness/temp.ts";

const LISTENER = new URL("notify_listener.ts", import.meta.url).pathname;

async function listen(path: string): Promise<Program> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--unstable-net", LISTENER, path],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const program = new Program(child);
  await program.line("listening");
  return program;
}

Deno.test("an engine says that it is ready, lives and stops; it leaves no file behind", async () => {
  using folder = tempFolder();
  const [socket, runtime, data] = ["notify", "run", "data"].map((it) => `${folder.path}/${it}`);
  Deno.mkdirSync(runtime);
  await using supervisor = await listen(socket);
  await using engine = await startProgram({
    env: {
      KAFKA_ENABLED: "false",
      DATA_DIR: data,
      NOTIFY_SOCKET: socket,
      RUNTIME_DIRECTORY: runtime,
      WATCHDOG_USEC: "60000",
    },
  });
  await supervisor.line('"READY=1"');
  const address = await engine.address();
  assert.equal((await fetch(`${address}/health/live`)).status, 200);
  const beats = () => supervisor.lines.filter((line) => line === '"WATCHDOG=1"').length;
  while (beats() < 5) await supervisor.line(() => beats() >= 5);
  assert.deepEqual([...Deno.readDirSync(runtime)], []);
  assert.deepEqual(await engine.kill("SIGTERM"), { code: 0, signal: null });
  await supervisor.line('"STOPPING=1"');
  assert.deepEqual(supervisor.lines.slice(1).filter((line) => !line.includes("WATCHDOG")), [
    '"READY=1"',
    '"STOPPING=1"',
  ]);
  assert.doesNotMatch(engine.stdout, /supervisor/);
});

Deno.test("without a folder of its own it sends from the data folder, and without a watchdog no beats", async () => {
  using folder = tempFolder();
  const socket = `${folder.path}/notify`;
  await using supervisor = await listen(socket);
  await using engine = await startProgram({
    env: { KAFKA_ENABLED: "false", DATA_DIR: `${folder.path}/data`, NOTIFY_SOCKET: socket },
  });
  await supervisor.line('"READY=1"');
  const left = [...Deno.readDirSync(`${folder.path}/data`)].map(({ name }) => name);
  assert.deepEqual(left.filter((name) => name.startsWith("notify")), []);
  assert.equal((await engine.kill("SIGTERM")).code, 0);
  await supervisor.line('"STOPPING=1"');
  assert.doesNotMatch(supervisor.stdout, /WATCHDOG/);
});

Deno.test("where nobody listens, or can be told, the engine runs and says so once", async () => {
  using folder = tempFolder();
  const cases = [`${folder.path}/nobody`, "@abstract"];
  await Promise.all(cases.map(async (socket, i) => {
    await using engine = await startProgram({
      env: {
        KAFKA_ENABLED: "false",
        DATA_DIR: `${folder.path}/data-${i}`,
        NOTIFY_SOCKET: socket,
        WATCHDOG_USEC: "30000",
      },
    });
    const address = await engine.ready();
    await engine.line("the supervisor isn't reached");
    assert.equal((await fetch(`${address}/health`)).status, 200);
    assert.equal((await engine.kill("SIGTERM")).code, 0);
    const told = engine.lines.filter((line) => line.includes("the supervisor isn't reached"));
    assert.equal(told.length, 1, told.join("\n"));
  }));
});

/** Its sends are kept; the socket itself is tested above. */
function supervised(failure: () => string | undefined) {
  const sent: string[] = [];
  const errors: string[] = [];
  const supervisor = new Supervisor({
    socket: {
      send: (text) => Promise.resolve(void sent.push(text)),
      [Symbol.dispose]: () => {},
    },
    watchdogMs: undefined,
    failure,
    log: { debug() {}, info() {}, warn() {}, error: (message) => errors.push(message) },
  });
  return { supervisor, sent, errors };
}

Deno.test("an engine that says it isn't alive gives no sign of life until it is", () => {
  let failure: string | undefined = undefined;
  const { supervisor, sent, errors } = supervised(() => failure);
  supervisor.beat();
  failure = "progress: 5 records wait";
  supervisor.beat();
  supervisor.beat();
  failure = undefined;
  supervisor.beat();
  assert.deepEqual(sent, [
    "WATCHDOG=1",
    "STATUS=progress: 5 records wait",
    "STATUS=",
    "WATCHDOG=1",
  ]);
  assert.equal(errors.length, 1);
});

Deno.test("the time between signs of life is the supervisor's, for this process alone", () => {
  assert.equal(watchdogTime({ WATCHDOG_USEC: "60000000" }, 7), 60_000);
  assert.equal(watchdogTime({ WATCHDOG_USEC: "60000000", WATCHDOG_PID: "7" }, 7), 60_000);
  assert.equal(watchdogTime({ WATCHDOG_USEC: "60000000", WATCHDOG_PID: "8" }, 7), undefined);
  assert.equal(watchdogTime({ WATCHDOG_USEC: "0" }, 7), undefined);
  assert.equal(watchdogTime({ WATCHDOG_USEC: "soon" }, 7), undefined);
  assert.equal(watchdogTime({}, 7), undefined);
});
