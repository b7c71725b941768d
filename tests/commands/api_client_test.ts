/** Commands beside an engine that asks for tokens. */
import assert from "node:assert/strict";
import { makeToken } from "../../src/commands/token.ts";
import type { Scope } from "../../src/core/token.ts";
import { startProgram } from "../harness/process.ts";
import { tempFolder } from "../harness/temp.ts";
import { runCommand } from "./command.ts";

function token(scopes: Scope[], tenants?: string[]) {
  const random = crypto.getRandomValues(new Uint8Array(32));
  return makeToken({ name: scopes.join("-"), scopes, tenants }, random);
}

const LINE = ["--count", "3", "--rate", "0", "--tenants", "1"];

Deno.test("dead-letters, simulate, top and tap bring the environment's token, or the file's; healthcheck needs none", async () => {
  using folder = tempFolder();
  const writer = token(["write"]), operator = token(["read", "admin"]);
  const file = `${folder.path}/tenants.json`;
  Deno.writeTextFileSync(file, JSON.stringify({ tokens: [writer.entry, operator.entry] }));
  // As an editor leaves it.
  Deno.writeTextFileSync(`${folder.path}/token`, `${operator.token}\n`);
  await using engine = await startProgram({
    env: { KAFKA_ENABLED: "false", DATA_DIR: `${folder.path}/data`, TENANTS_FILE: file },
  });
  const address = await engine.ready();
  const port = new URL(address).port;
  const run = (args: string[], env: Record<string, string> = {}) =>
    runCommand(args, { METRICS_PORT: port, ...env });
  const byFile = { PLUMBLINE_TOKEN_FILE: `${folder.path}/token` };

  const [without, wrong, listed, refused, sent, alive, seen, unseen, tapped] = await Promise.all([
    run(["dead-letters", "list"]),
    run(["dead-letters", "list"], { PLUMBLINE_TOKEN: token(["read"]).token }),
    run(["dead-letters", "list"], byFile),
    run(["dead-letters", "list"], { PLUMBLINE_TOKEN: writer.token }),
    run(["simulate", "--to", "http", ...LINE], { PLUMBLINE_TOKEN: writer.token }),
    run(["healthcheck"]),
    run(["top", "--once", "--json", "--interval", "0.1"], byFile),
    run(["top", "--once"]),
    run(["tap"]),
  ]);
  assert.equal(without.code, 1);
  assert.match(without.stderr, /a token is needed: .*; PLUMBLINE_TOKEN or PLUMBLINE_TOKEN_FILE/);
  assert.match(wrong.stderr, /the token is wrong/);
  assert.deepEqual([listed.code, listed.stdout], [0, "0 of 0 dead letters\n"]);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /its scopes are write, read is needed/);
  assert.equal(sent.code, 0, sent.stderr);
  assert.match(sent.stdout, /3 sent, 3 accepted/);
  assert.equal(alive.code, 0);
  assert.equal(JSON.parse(seen.stdout).ready, true);
  for (const it of [unseen, tapped]) {
    assert.equal(it.code, 1);
    assert.match(it.stderr, /a token is needed: .*; PLUMBLINE_TOKEN or PLUMBLINE_TOKEN_FILE/);
  }
  const all = [without, wrong, listed, refused, sent, alive, seen, unseen, tapped, engine];
  const text = all.map(({ stdout, stderr }) => stdout + stderr).join("");
  assert.ok(!text.includes("plumb_"), text);
});

Deno.test("what is no token is told, and not shown", async () => {
  const { token: text } = token(["read"]);
  const table: [Record<string, string>, RegExp][] = [
    [
      { PLUMBLINE_TOKEN: "s3cret" },
      /PLUMBLINE_TOKEN="\(hidden\)" is no token; allowed: a token as/,
    ],
    [{ PLUMBLINE_TOKEN: `${text}x` }, /is no token/],
    [
      { PLUMBLINE_TOKEN_FILE: `/nowhere/${text}` },
      /_FILE="\(hidden\)" is no file that can be read/,
    ],
    [{ PLUMBLINE_TOKEN_FILE: import.meta.filename! }, /is no token/],
    [
      { PLUMBLINE_TOKEN: text, PLUMBLINE_TOKEN_FILE: "/x" },
      /and PLUMBLINE_TOKEN_FILE are both set/,
    ],
  ];
  const outcomes = await Promise.all(
    table.flatMap(([env]) => [
      runCommand(["dead-letters", "list"], { METRICS_PORT: "1", ...env }),
      runCommand(["simulate", "--count", "1"], { METRICS_PORT: "1", ...env }),
    ]),
  );
  for (const [i, { code, stdout, stderr }] of outcomes.entries()) {
    assert.equal(code, 2, stderr);
    assert.match(stderr, table[i >> 1][1]);
    assert.doesNotMatch(stdout + stderr, /s3cret|plumb_/);
  }
});
