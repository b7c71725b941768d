/**
 * schemathesis makes requests out of the OpenAPI document, right ones and wrong ones, and holds a real
 * engine to it with all its checks. What it can't know of the document, and what a wrong request may be
 * answered with, stands in `tests/fixtures/schemathesis`. Every run asks the same; `SCHEMATHESIS_SEED=7`
 * asks something else.
 */
import assert from "node:assert/strict";
import { startProgram } from "../harness/process.ts";
import { hasPython, pythonPrograms } from "../harness/python.ts";
import { tempFolder } from "../harness/temp.ts";

const FIXTURES = new URL("../fixtures/schemathesis", import.meta.url).pathname;
/** Requests of each kind for an operation. */
const EXAMPLES = 25;
const DEADLINE_MS = 240_000;
const SEED = Number(Deno.env.get("SCHEMATHESIS_SEED") ?? 1);

async function schemathesis(
  programs: string,
  { address, cwd }: { address: string; cwd: string },
): Promise<{ code: number; text: string }> {
  const { code, stdout, stderr } = await new Deno.Command(`${programs}/st`, {
    args: [
      ...["--config-file", `${FIXTURES}/schemathesis.toml`, "run", `${address}/openapi.json`],
      ...["--checks", "all", "--seed", String(SEED), "--max-examples", String(EXAMPLES)],
      ...["--continue-on-failure", "--no-color"],
    ],
    cwd,
    env: { PYTHONPATH: FIXTURES, SCHEMATHESIS_HOOKS: "hooks", PYTHONDONTWRITEBYTECODE: "1" },
    stdin: "null",
    signal: AbortSignal.timeout(DEADLINE_MS),
  }).output();
  const decoder = new TextDecoder();
  return { code, text: decoder.decode(stdout) + decoder.decode(stderr) };
}

/** A long body says no more than its beginning. */
function shown(text: string): string {
  return text.split("\n").map((line) => line.length > 600 ? `${line.slice(0, 600)}…` : line).join(
    "\n",
  );
}

Deno.test("schemathesis finds nothing", { ignore: !hasPython() }, async () => {
  const requirements = `${FIXTURES}/requirements.txt`;
  const programs = await pythonPrograms({ name: "schemathesis", requirements });
  using folder = tempFolder("schemathesis-");
  const tenants = `${folder.path}/tenants.json`;
  await Deno.writeTextFile(tenants, JSON.stringify({ tenants: { north: {} } }));
  await using program = await startProgram({
    env: { KAFKA_ENABLED: "false", DATA_DIR: `${folder.path}/data`, TENANTS_FILE: tenants },
  });
  const address = await program.ready("/health/ready");
  const { code, text } = await schemathesis(programs, { address, cwd: folder.path });
  console.log(`SCHEMATHESIS_SEED=${SEED}: ${text.match(/^ +(\d+ generated.*)$/m)?.[1]}`);
  assert.equal(code, 0, shown(text));
  // All but the one that has given the document: schemathesis has it already.
  const { paths } = await (await fetch(`${address}/openapi.json`)).json();
  const operations = Object.values<object>(paths).flatMap((it) => Object.keys(it)).length - 1;
  assert.match(text, new RegExp(`Tested: ${operations}\\b`), shown(text));
  assert.deepEqual(await program.kill("SIGTERM"), { code: 0, signal: null });
  assert.deepEqual(program.lines.filter((line) => /"level":"(warn|error)"/.test(line)), []);
});
