/** The examples that the API's description shows, asked of real engines. */
import assert from "node:assert/strict";
import { startProgram } from "../harness/process.ts";
import { tempFolder } from "../harness/temp.ts";
import { StandIn } from "../storage_service/stand_in.ts";
import { DescribedAnswers } from "./described_answers.ts";
import { ask, type Asked, comparable, examplesOf, type Shown } from "./examples.ts";
import { apiOver } from "./in_memory.ts";

Deno.test("a real engine answers the examples' requests as they say, in the order of the page", async () => {
  using folder = tempFolder("examples-");
  await using program = await startProgram({
    env: { KAFKA_ENABLED: "false", DATA_DIR: folder.path },
  });
  const address = await program.ready("/health/ready");
  const document = await (await fetch(`${address}/openapi.json`)).json();
  let asked = 0;
  for (const { operation, method, it } of examplesOf(document)) {
    if (it.when !== undefined) continue;
    const response = await ask(address, { method, ...it.request! });
    const at = `${operation}, ${it.name}`;
    assert.deepEqual(comparable(await response.text(), it), comparable(it.answer, it), at);
    assert.equal(response.status, it.status, at);
    asked++;
  }
  assert.ok(asked > 20, `${asked}: a test of nothing`);
  assert.deepEqual(await program.kill("SIGTERM"), { code: 0, signal: null });
});

const TENANTS = { half: { sampling: 0 }, small: { quotas: { devices: 1 } } };

/** Asks for each example with a `when`, once the engine is in that state. */
class States {
  /** `GET /api/stats, an example's name`. */
  readonly asked: string[] = [];
  readonly #address: string;
  readonly #examples: readonly { operation: string; method: string; it: Shown }[];

  constructor(address: string, examples: ReturnType<typeof examplesOf>) {
    this.#address = address;
    this.#examples = examples;
  }

  /** `asked`: what the example's request, if it shows one, has to be. */
  async answers(name: string, asked?: Partial<Asked>): Promise<void> {
    const { operation, method, it } = this.#examples.find((example) => example.it.name === name)!;
    const target = operation.split(" ")[1];
    const response = await ask(this.#address, { method, target, ...it.request, ...asked });
    const text = await response.text();
    assert.deepEqual(comparable(text, it), comparable(it.answer, it), name);
    assert.equal(response.status, it.status, name);
    this.asked.push(`${operation}, ${name}`);
  }

  /** Asks until an answer is as it should be. */
  async until(target: string, holds: (answer: Record<string, unknown>) => boolean): Promise<void> {
    const deadline = AbortSignal.timeout(30_000);
    for (;;) {
      const response = await fetch(this.#address + target, { signal: deadline });
      if (holds(await response.json())) return;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

Deno.test("a real engine answers so in the states that the other examples name", async () => {
  using folder = tempFolder("examples-");
  const file = `${folder.path}/tenants.json`;
  const write = (tenants: object) => Deno.writeTextFileSync(file, JSON.stringify({ tenants }));
  write(TENANTS);
  await using storage = new StandIn(() =>
    Response.json({ error: "no such sensor" }, { status: 422 })
  );
  await using program = await startProgram({
    env: {
      KAFKA_ENABLED: "false",
      DATA_DIR: `${folder.path}/data`,
      TENANTS_FILE: file,
      STORAGE_SERVICE_URL: `${storage.url}/base`,
    },
  });
  const address = await program.ready("/health/ready");
  const document = await (await fetch(`${address}/openapi.json`)).json();
  const examples = examplesOf(document).filter(({ it }) => it.when !== undefined);
  const states = new States(address, examples);
  const send = async (body: string) => {
    assert.equal((await ask(address, { method: "POST", target: "/api/data", body })).status, 200);
  };

  await states.answers("in force");
  await states.answers("left out by sampling", { body: '{"device_id":"a","tenant_id":"half"}' });
  await states.answers("a compressed body", { body: "{}", encoding: "gzip" });

  await send('{"device_id":"press-7","tenant_id":"north","temperature":22}');
  await states.until("/api/dead-letters", ({ kept }) => kept === 1);
  await states.answers("a refused result");
  await states.answers("a refused result, sent again");

  await send('{"device_id":"a","tenant_id":"small"}');
  await states.answers("a tenant over its quota", {
    body: '{"device_id":"b","tenant_id":"small"}',
  });

  write({ acme: { sampling: 1.5 } });
  await states.answers("a fault in the file");

  storage.answer = () => new Response(null, { status: 500 });
  await send('{"device_id":"press-7"}');
  await states.until("/health/ready", ({ failed }) => failed !== undefined);
  await states.answers("not ready");

  const expected = examples.map(({ operation, it }) => `${operation}, ${it.name}`);
  assert.deepEqual(states.asked.toSorted(), expected.toSorted());
});

Deno.test("every example is one that the description allows, and has a name of its own", async () => {
  const document = JSON.parse((await apiOver().get("/openapi.json")).text);
  const described = new DescribedAnswers(document);
  for (const { operation, method, it } of examplesOf(document)) {
    const path = it.request?.target ?? operation.split(" ")[1];
    described.check({ method, path }, { status: it.status, text: it.answer });
  }
  for (const [operation, examples] of Map.groupBy(examplesOf(document), (it) => it.operation)) {
    const names = examples.map(({ it }) => it.name);
    assert.equal(new Set(names).size, names.length, operation);
  }
});
