/** docs/operations.md: its commands work as they stand, in the order of the page, and it leaves out no alert. */
import assert from "node:assert/strict";
import { freePort } from "../tools/ports.ts";
import { broker, createTopic, topicName } from "./harness/kafka.ts";
import {
  assertMarked,
  type Example,
  examplesOf,
  placeFor,
  readingsAt,
  toItsEnd,
  whileReady,
} from "./harness/page.ts";

const ROOT = new URL("..", import.meta.url).pathname;
const page = Deno.readTextFileSync(`${ROOT}docs/operations.md`);
const examples = examplesOf(page);

function named(name: string): Example {
  const example = examples.find((it) => it.name === name);
  assert.ok(example, `the page has no example ${name}`);
  return example;
}

Deno.test("every alert has its place in the part about alerts", () => {
  const part = page.slice(page.indexOf("## When an alert fires"), page.indexOf("## Change a"));
  const rules = Deno.readTextFileSync(`${ROOT}deploy/alerts.yml`);
  const alerts = [...rules.matchAll(/^ +- alert: (\w+)$/gm)].map(([, name]) => name);
  assert.ok(alerts.length > 20);
  assert.deepEqual(alerts.filter((name) => !part.includes(`\`${name}\``)), []);
  const told = [...part.matchAll(/`(Plumbline\w+)`/g)].map(([, name]) => name);
  assert.deepEqual(told.filter((name) => !alerts.includes(name)), []);
});

Deno.test("every command of the page, before, beside and after an engine", async (t) => {
  assertMarked(examples);
  const input = await createTopic({ name: topicName("operations-in") });
  const output = await createTopic({ name: topicName("operations-out") });
  await using here = await placeFor({
    KAFKA_BROKER: broker(),
    INPUT_TOPIC: input,
    OUTPUT_TOPIC: output,
    CONSUMER_GROUP: input,
    METRICS_PORT: String(await freePort()),
    TENANTS_FILE: "deploy/tenants.legacy.json",
  });
  const outputs = new Map<string, string>();
  const run = (name: string) =>
    t.step(name, async () => void outputs.set(name, await toItsEnd(named(name), here)));
  const ran = ["start", "restore"];

  await run("check");
  const before = await whileReady(named("start"), here, async () => {
    for (const body of ['{"device_id":"press-7","temperature":35.2,"humidity":90.5}', "{}"]) {
      await (await fetch(`${here.url}/api/data`, { method: "POST", body })).body?.cancel();
    }
    for (const name of ["well", "look", "results", "folder", "letters", "reload", "backup"]) {
      await run(name);
    }
    return await readingsAt(here);
  });
  await run("compact");
  await t.step("restore", async () => {
    assert.equal(await whileReady(named("restore"), here, () => readingsAt(here)), before);
  });

  assert.deepEqual([...ran, ...outputs.keys()].sort(), examples.map(({ name }) => name).sort());
  assert.match(outputs.get("results")!, /"kept":1,/);
  assert.match(outputs.get("letters")!, /device_id: required/);
  assert.match(outputs.get("reload")!, /"tenants":2/);
});
