/** The examples of docs/commands.md work as they stand, in the order of the page, beside an engine. */
import assert from "node:assert/strict";
import { freePort } from "../tools/ports.ts";
import { broker, createTopic, topicName } from "./harness/kafka.ts";
import {
  assertMarked,
  examplesOf,
  placeFor,
  readingsAt,
  toItsEnd,
  whileReady,
} from "./harness/page.ts";
import { startProgram } from "./harness/process.ts";

const PAGE = new URL("../docs/commands.md", import.meta.url);
/** These want the folder for themselves. */
const AT_REST = ["restore", "compact"];

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

Deno.test("the page has an example for each command, and each has a mark", async () => {
  const page = await Deno.readTextFile(PAGE);
  const examples = examplesOf(page);
  const sections = [...page.matchAll(/^## (.*)$/gm)].map(([, name]) => name);
  assert.deepEqual([...new Set(examples.map(({ section }) => section))], sections);
  assertMarked(examples);
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
  const examples = examplesOf(await Deno.readTextFile(PAGE));
  await using here = await placeFor(env);
  const outputs = new Map<string, string>();
  {
    await using engine = await startProgram({ env: { ...env, DATA_DIR: `${here.dir}/data` } });
    await engine.ready("/health/ready");
    {
      await using _feed = feed(here.url);
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
    const read = await whileReady(example("restore"), here, () => readingsAt(here));
    assert.equal(read, backup.read);
  });
  await t.step("compact", async () => {
    assert.match(await toItsEnd(example("compact"), here), /data: .* before, .* now, in /);
  });
  assert.match(outputs.get("check")!, /^The settings are right\.$/m);
  assert.match(outputs.get("inspect")!, /"in_use": true/);
  assert.ok(outputs.get("dry-run")!.includes(`"id":"${input}-0-0"`));
  assert.equal(JSON.parse(outputs.get("tap")!.split("\n").at(-1)!).device_id, "press-7");
  assert.match(
    outputs.get("compare")!,
    /, 1 pairs? of the same reading\.\n[^]*Nothing is unexplained\.$/,
  );
  assert.ok(JSON.parse(outputs.get("top")!.split("\n").at(-1)!).per_second.read > 0);
});
