// deno-lint-ignore-file no-control-regex -- what a terminal is told is looked at
/** Colours: on a terminal, and only where NO_COLOR isn't set. */
import assert from "node:assert/strict";
import { freePort } from "../../tools/ports.ts";
import { startProgram } from "../harness/process.ts";
import { tempFolder } from "../harness/temp.ts";
import { onTerminal } from "../harness/terminal.ts";
import { runCommand } from "./command.ts";

const COLOUR = /\x1b\[[0-9;]*m/;

/** Everything that ends by itself beside an engine whose newest result is an anomaly. */
const COMMANDS = [
  ["check"],
  ["doctor"],
  ["inspect"],
  ["top", "--once", "--interval", "0.1"],
  ["tap", "--count", "1"],
  ["dead-letters", "list"],
  ["simulate", "--count", "20", "--rate", "0"],
  ["healthcheck"],
  ["--help"],
  ["chek"],
];

/** An engine that gets an anomaly again and again, until it is disposed of. */
async function busyEngine() {
  const folder = tempFolder();
  const env = {
    KAFKA_ENABLED: "false",
    DATA_DIR: `${folder.path}/data`,
    METRICS_PORT: String(await freePort()),
  };
  const engine = await startProgram({ env });
  const address = await engine.ready();
  let isOver = false;
  const feeding = (async () => {
    while (!isOver) {
      const body = '{"device_id":"press-7","temperature":35.2,"humidity":90.5}';
      await (await fetch(`${address}/api/data`, { method: "POST", body })).body?.cancel();
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  })();
  return {
    env,
    tty: `${folder.path}/tty`,
    async [Symbol.asyncDispose]() {
      isOver = true;
      await feeding;
      await engine[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    },
  };
}

Deno.test("into a pipe nothing but text is written", async () => {
  await using engine = await busyEngine();
  const said = await Promise.all(
    COMMANDS.map((args) => runCommand(args, { ...engine.env, NO_COLOR: "" })),
  );
  for (const [i, { stdout, stderr }] of said.entries()) {
    assert.notEqual(stdout + stderr, "", COMMANDS[i].join(" "));
    assert.doesNotMatch(stdout + stderr, /\x1b/, COMMANDS[i].join(" "));
  }
});

Deno.test("on a terminal with NO_COLOR nothing has a colour, without it what matters does", async () => {
  await using engine = await busyEngine();
  const run = async (args: string[], NO_COLOR: string) => {
    const env = { ...engine.env, NO_COLOR };
    const tty = `${engine.tty}-${args.join("")}-${NO_COLOR}`;
    const { program, end } = await onTerminal(args, { tty, env });
    await using _ = program;
    await program.exited;
    await end().catch(() => {}); // the terminal is gone
    return program.stdout;
  };
  const plain = await Promise.all(COMMANDS.map((args) => run(args, "1")));
  for (const [i, text] of plain.entries()) {
    assert.notEqual(text, "", COMMANDS[i].join(" "));
    assert.doesNotMatch(text, COLOUR, COMMANDS[i].join(" "));
  }
  // The engine's own log, too: a second one on the same folder says why it can't start.
  const serve = ["serve"];
  assert.doesNotMatch(await run(serve, "1"), COLOUR);
  const coloured = [["tap", "--count", "1"], ["check", "--connect"], ["doctor"]];
  for (const text of await Promise.all(coloured.map((args) => run(args, "")))) {
    assert.match(text, COLOUR);
  }
});
