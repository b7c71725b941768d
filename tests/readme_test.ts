/** The README's commands work for a stranger: fresh files, empty caches, Node alone. */
import assert from "node:assert/strict";
import { FreshCopy, readmeCommand, tryDemo, tryKafka, tryTests } from "../tools/readme_commands.ts";

Deno.test("the README's commands, in a fresh copy with empty caches", async (t) => {
  await using copy = await FreshCopy.make();
  await t.step("the demo shows readings, and ends with Ctrl-C", async () => {
    const lines = await tryDemo(copy);
    assert.ok(lines.some((line) => line.startsWith("Plumbline runs on http://127.0.0.1:")));
  });
  await t.step("the tests run", async () => void await tryTests(copy));
  await t.step("with Kafka: a broker, the engine, a reading and its result, a fleet", async () => {
    const results = await tryKafka(copy);
    assert.ok(
      results.some((line) => /^press-7\tid=sensor-data-\d-0,.*"temperature":35\.2/.test(line)),
    );
  });
});

Deno.test("a command is found by its mark; without it, that is said", () => {
  const text = "x\n<!-- run: demo -->\n```sh\nnpx demo\n```\n\n```sh\nother\n```\n";
  assert.equal(readmeCommand(text, "demo"), "npx demo");
  assert.throws(() => readmeCommand(text, "test"), /Find the README's command test/);
});
