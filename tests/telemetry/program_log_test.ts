import assert from "node:assert/strict";

const PROGRAM = new URL("children.ts", import.meta.url).pathname;
const CONFIG = new URL("../../deno.json", import.meta.url).pathname;

function start(how: string, env: Record<string, string> = {}) {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--config", CONFIG, "-A", PROGRAM, how],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    env,
  }).spawn();
}

/** Reads what it says on its standard error until it says that it lives. */
async function alive(child: Deno.ChildProcess): Promise<void> {
  let said = "";
  for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) {
    said += text;
    if (said.includes("alive\n")) return;
  }
  assert.fail(`it ended: ${said}`);
}

/** Lets it end. */
async function end(child: Deno.ChildProcess): Promise<number> {
  const stdin = child.stdin.getWriter();
  await stdin.write(new Uint8Array(1));
  await stdin.close();
  return (await child.status).code;
}

Deno.test("everything that was logged is written before the end", async () => {
  const child = start("quick");
  const [code, text] = await Promise.all([
    alive(child).then(() => end(child)),
    new Response(child.stdout).text(),
  ]);
  const lines = text.trimEnd().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(lines.map(({ level, message, n }) => [level, message, n]), [
    ["info", "first", "1"],
    ["error", "last", undefined],
  ]);
  assert.equal(code, 7);
});

Deno.test("a closed pipe neither ends the program nor holds it up", async () => {
  const child = start("endless");
  await child.stdout.cancel();
  await alive(child);
  assert.equal(await end(child), 7);
});

Deno.test("a pipe that nobody reads doesn't hold the program up, and lost lines are told", async () => {
  const child = start("endless");
  await alive(child);
  const ended = end(child);
  const lines = (await new Response(child.stdout).text()).trimEnd().split("\n");
  assert.equal(await ended, 7);
  const lost = lines.map((line) => JSON.parse(line)).find(({ lines }) => lines !== undefined);
  assert.match(lost.message, /dropped/);
  // first, again and last, either written or lost; and the line about those.
  assert.equal(lines.length - 1 + lost.lines, 10_002);
});
