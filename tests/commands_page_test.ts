/** The examples of docs/commands.md work as they stand, in the order of the page, beside an engine. */
import assert from "node:assert/strict";
import { FreshCopy } from "../tools/readme_commands.ts";
import { freePort } from "../tools/ports.ts";
import { broker, createTopic, topicName } from "./harness/kafka.ts";
import { startProgram } from "./harness/process.ts";

const PAGE = new URL("../docs/commands.md", import.meta.url);
/** An example that ends by itself takes no longer. */
const LIMIT_MS = 60_000;
/** These want the folder for themselves. */
const AT_REST = ["restore", "compact"];

interface Example {
  readonly section: string;
  /** Its mark; empty: it has none. */
  readonly name: string;
  readonly commands: string;
}

/** Every block of the page that a shell could run, and those of no language, too. */
function examplesOf(page: string): Example[] {
  return page.split(/^## /m).slice(1).flatMap((text) => {
    const [section] = text.split("\n", 1);
    const blocks = text.matchAll(/^(?:<!-- run: (\S+) -->\n+)?```(?:sh|bash)?\n(.*?)\n```$/gms);
    return [...blocks].map(([, name = "", commands]) => ({ section, name, commands }));
  });
}

/** Posts a reading again and again until it is disposed of. */
function feed(address: string): AsyncDisposable {
  let isOver = false;
  const done = (async () => {
    while (!isOver) {
      const body = '{"device_id":"press-7","temperature":35.2}';
      await (await fetch(`${address}/api/data`, { method: "POST", body })).body?.cancel();
    }
  })();
  return {
    async [Symbol.asyncDispose]() {
      isOver = true;
      await done;
    },
  };
}

/** A copy of the project to run them in; packages are those that this machine has. */
async function place(env: Record<string, string>) {
  const copy = await FreshCopy.make();
  const info = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
  const { denoDir } = JSON.parse(new TextDecoder().decode(info.stdout));
  const path = `${Deno.execPath().replace(/\/[^/]*$/, "")}:${Deno.env.get("PATH")}`;
  return {
    dir: copy.dir,
    start: ({ commands }: Example) =>
      copy.start(commands, { ...env, DENO_DIR: denoDir, PATH: path }),
    [Symbol.asyncDispose]: () => copy[Symbol.asyncDispose](),
  };
}

type Place = Awaited<ReturnType<typeof place>>;

async function toItsEnd(example: Example, { start }: Place): Promise<string> {
  const started = start(example);
  const late = setTimeout(() => started.signal("KILL"), LIMIT_MS);
  const { code } = await started.ended;
  clearTimeout(late);
  const output = started.lines.join("\n");
  assert.equal(code, 0, `${example.name}: code ${code}\n${output}`);
  return output;
}

/** The example that ends with an engine, which is stopped when it is ready: what it has counted. */
async function untilReady(example: Example, { start, url }: Place & { url: string }) {
  const started = start(example);
  const late = setTimeout(() => started.signal("KILL"), LIMIT_MS);
  let isOver = false;
  const ended = started.ended.finally(() => isOver = true);
  while (!isOver) {
    const response = await fetch(`${url}/health/ready`).catch(() => undefined);
    await response?.body?.cancel();
    if (response?.status === 200) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.ok(!isOver, `${example.name}: it ended\n${started.lines.join("\n")}`);
  const page = await (await fetch(`${url}/metrics`)).text();
  await started.signal("INT");
  await ended;
  clearTimeout(late);
  assert.ok(started.lines.some((line) => line.includes("plumbline has stopped")));
  return Number(/^plumbline_readings_read_total (\d+)$/m.exec(page)![1]);
}

Deno.test("the page has an example for each command, and each has a mark", async () => {
  const page = await Deno.readTextFile(PAGE);
  const examples = examplesOf(page);
  const sections = [...page.matchAll(/^## (.*)$/gm)].map(([, name]) => name);
  assert.deepEqual([...new Set(examples.map(({ section }) => section))], sections);
  for (const { section, name, commands } of examples) {
    assert.notEqual(name, "", `${section}: an example without its mark:\n${commands}`);
  }
  const names = examples.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length, "two examples of one name");
});

Deno.test("every example of the page, beside an engine and at rest", async (t) => {
  const port = String(await freePort());
  const input = await createTopic({ name: topicName("page-in") });
  const output = await createTopic({ name: topicName("page-out") });
  const env = {
    KAFKA_BROKER: broker(),
    INPUT_TOPIC: input,
    OUTPUT_TOPIC: output,
    CONSUMER_GROUP: input,
    METRICS_PORT: port,
  };
  const url = `http://127.0.0.1:${port}`;
  const examples = examplesOf(await Deno.readTextFile(PAGE));
  await using here = await place(env);
  const outputs = new Map<string, string>();
  {
    await using engine = await startProgram({ env: { ...env, DATA_DIR: `${here.dir}/data` } });
    await engine.ready("/health/ready");
    {
      await using _feed = feed(url);
      for (const example of examples.filter(({ name }) => !AT_REST.includes(name))) {
        await t.step(example.name, async () => {
          outputs.set(example.name, await toItsEnd(example, here));
        });
      }
    }
    assert.deepEqual(await engine.kill("SIGTERM"), { code: 0, signal: null });
  }
  const example = (name: string) => examples.find((it) => it.name === name)!;
  await t.step("restore", async () => {
    const backup = JSON.parse(outputs.get("backup")!.split("\n").at(-1)!);
    assert.ok(backup.read > 0, JSON.stringify(backup));
    assert.equal(await untilReady(example("restore"), { ...here, url }), backup.read);
  });
  await t.step("compact", async () => {
    assert.match(await toItsEnd(example("compact"), here), /data: .* before, .* now, in /);
  });
  assert.match(outputs.get("check")!, /^The settings are right\.$/m);
  assert.match(outputs.get("inspect")!, /"in_use": true/);
  assert.ok(outputs.get("dry-run")!.includes(`"id":"${input}-0-0"`));
  assert.ok(JSON.parse(outputs.get("top")!.split("\n").at(-1)!).per_second.read > 0);
});
