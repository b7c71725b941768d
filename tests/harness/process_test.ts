import assert from "node:assert/strict";
import { startProgram } from "./process.ts";
import { tempFolder } from "./temp.ts";

/** A stand-in with the habits of the real one: a log in JSON, an address, an end by SIGTERM. */
const STAND_IN = `
console.log("starting");
let healthy = 0;
const server = Deno.serve({
  hostname: "0.0.0.0",
  port: Number(Deno.env.get("METRICS_PORT")),
  onListen: ({ port }) => console.error(JSON.stringify({ address: "http://0.0.0.0:" + port })),
}, () => new Response(null, { status: healthy++ < 2 ? 503 : 200 }));
Deno.addSignalListener("SIGTERM", async () => {
  await server.shutdown();
  await Deno.writeTextFile(Deno.env.get("DATA_DIR") + "/stopped", "yes");
  console.log("unfinished line");
  Deno.exit(3);
});
console.log(JSON.stringify({ args: Deno.args, leaked: Deno.env.get("LEAK") ?? null }));
`;

function standIn(folder: string, code = STAND_IN): { main: string; env: { DATA_DIR: string } } {
  const main = `${folder}/main.ts`;
  Deno.writeTextFileSync(main, code);
  return { main, env: { DATA_DIR: folder } };
}

Deno.test("a program is started, found ready, and stopped by a signal", async () => {
  using folder = tempFolder();
  Deno.env.set("LEAK", "from the test");
  await using program = await startProgram({ ...standIn(folder.path), args: ["serve", "x"] });
  assert.match(await program.ready("/"), /^http:\/\/127\.0\.0\.1:\d+$/);
  assert.equal(await program.line('"args"'), '{"args":["serve","x"],"leaked":null}');
  assert.deepEqual(await program.kill("SIGTERM"), { code: 3, signal: null });
  assert.equal(Deno.readTextFileSync(`${folder.path}/stopped`), "yes");
  assert.match(program.stdout, /unfinished line/);
  assert.match(program.stderr, /"address"/);
  program.signal("SIGTERM"); // after the end: nothing to do
});

Deno.test("a kill is told apart, and the end of the block kills", async () => {
  using folder = tempFolder();
  const stand = standIn(folder.path);
  let pid: number;
  {
    await using program = await startProgram(stand);
    await program.ready("/");
    assert.equal((await program.kill()).signal, "SIGKILL");
    await using second = await startProgram(stand);
    await second.address();
    pid = second.pid;
    Deno.kill(pid, "SIGCONT"); // it lives
  }
  assert.throws(() => Deno.kill(pid, "SIGCONT"), Deno.errors.NotFound);
});

Deno.test("waiting in vain says what the program wrote", async () => {
  using folder = tempFolder();
  await using program = await startProgram(
    standIn(folder.path, `console.error("no such setting"); Deno.exit(2);`),
  );
  await assert.rejects(program.ready(), /it ended with code 2[^]*no such setting/);
  await assert.rejects(program.line("something"), /it ended with code 2/);
});

Deno.test("a program may write only to its data folder", async () => {
  using folder = tempFolder();
  using other = tempFolder();
  await using program = await startProgram(standIn(
    folder.path,
    `await Deno.writeTextFile(${JSON.stringify(other.path)} + "/x", "");`,
  ));
  assert.equal((await program.exited).code, 1);
  assert.match(program.stderr, /NotCapable: Requires write access/);
});
