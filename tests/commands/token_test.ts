import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { parseDocumentText } from "../../src/config/document.ts";
import { readConfig } from "../../src/config/config.ts";
import { makeToken } from "../../src/commands/token.ts";
import { readmeCommand } from "../../tools/readme_commands.ts";
import { startProgram } from "../harness/process.ts";

async function run(args: string[]) {
  await using program = await startProgram({ args: ["token", "new", ...args], env: {} });
  const { code } = await program.exited;
  return { code, stdout: program.stdout, stderr: program.stderr };
}

function tokensIn(text: string) {
  return readConfig({ TENANTS_FILE: "x" }, { read: () => text, parse: parseDocumentText })
    .tenants.tokens;
}

Deno.test("256 random bits behind a prefix, and their hash", () => {
  const made = makeToken({ name: "a", scopes: ["read"] }, new Uint8Array(32).fill(0xff));
  assert.equal(made.token, `plumb_${"_".repeat(42)}8`);
  const hash = createHash("sha256").update(made.token).digest("hex");
  assert.deepEqual(made.entry, { name: "a", hash: `sha256:${hash}`, scopes: ["read"] });
});

Deno.test("what is printed goes into a tenants' file as it stands; no two tokens are the same", async () => {
  const args = ["--name", "press", "--scopes", "write,read", "--tenants", "a,b"];
  const [text, json] = await Promise.all([run(args), run([...args, "--json"])]);
  assert.deepEqual([text.code, json.code], [0, 0]);
  const token = /^plumb_[\w-]{43}$/m.exec(text.stdout)![0];
  const lines = text.stdout.slice(text.stdout.indexOf('"tokens"'));
  // As JSON, and at the top of a YAML file.
  for (const file of [`{${lines}}`, lines, `tenants: {}\n${lines}`]) {
    const [read] = tokensIn(file);
    assert.equal(read.name, "press");
    assert.equal(read.hash.toHex(), createHash("sha256").update(token).digest("hex"));
    assert.deepEqual([...read.scopes], ["write", "read"]);
    assert.deepEqual([...read.tenants!], ["a", "b"]);
  }
  const made = JSON.parse(json.stdout);
  assert.notEqual(made.token, token);
  assert.equal(tokensIn(JSON.stringify({ tokens: [made.entry] }))[0].name, "press");
});

Deno.test("the command in docs/security.md makes a token as the page shows it", async () => {
  const page = Deno.readTextFileSync(new URL("../../docs/security.md", import.meta.url));
  const command = readmeCommand(page, "token");
  const { code, stdout } = await run(command.split("plumbline token new ")[1].split(" "));
  assert.equal(code, 0);
  const example = /```json\n(.+?)```/s.exec(page)![1].replace("9b1deb4d…", "0".repeat(64));
  const [{ hash: _, ...shown }] = JSON.parse(example).tokens;
  const { hash, ...made } = JSON.parse(`{${stdout.slice(stdout.indexOf('"tokens"'))}}`).tokens[0];
  assert.deepEqual(made, shown);
  assert.match(hash, /^sha256:/);
  assert.equal(tokensIn(example)[0].name, "press-hall");
});

Deno.test("wrong options are told", async () => {
  const table: [string[], RegExp][] = [
    [[], /required option '--name <name>'/],
    [["--name", "a b"], /Expected 1 to 64 letters/],
    [["--name", "a", "--scopes", "write,all"], /Expected some of read, write, admin/],
    [["--name", "a", "--tenants", ","], /Expected tenants' names/],
  ];
  const outcomes = await Promise.all(table.map(([args]) => run(args)));
  for (const [i, { code, stderr }] of outcomes.entries()) {
    assert.match(stderr, table[i][1]);
    assert.equal(code, 2);
  }
});
