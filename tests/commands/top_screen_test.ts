// deno-lint-ignore-file no-control-regex -- what a terminal is told is looked at
/** `plumbline top` on a real terminal. */
import assert from "node:assert/strict";
import { freePort } from "../../tools/ports.ts";
import { startProgram } from "../harness/process.ts";
import { tempFolder } from "../harness/temp.ts";
import { onTerminal } from "../harness/terminal.ts";

/** What an engine would answer that has been given names to hurt with, which no real one takes. */
function hostile() {
  const name = "\\u0007\\u001b]0;owned".replaceAll(
    /\\u00(..)/g,
    (_, it) => String.fromCharCode(parseInt(it, 16)),
  );
  let asked = 0;
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
    if (new URL(request.url).pathname !== "/metrics") {
      return Response.json({ status: "error", message: `output: ${name}` }, { status: 503 });
    }
    asked++;
    return new Response(
      `plumbline_build_info{version="${name}"} 1\nprocess_start_time_seconds 1\n` +
        `plumbline_backlog_rows{sink="${name}"} 1\nplumbline_readings_read_total ${asked}\n` +
        Array.from(
          { length: 30 },
          (_, i) =>
            `tenant_messages_processed_total{tenant_id="${name}${"w".repeat(90)}${i}"} ${asked}\n`,
        )
          .join(""),
    );
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** The screens that were drawn, each as its lines. */
function screens(output: string): string[][] {
  return output.split("\x1b[H").slice(1).map((it) =>
    it.split("\x1b[J")[0].split(/\r+\n/).map((line) => line.replaceAll("\x1b[K", ""))
  );
}

Deno.test("on a terminal: one screen, as large as it is, given back by Ctrl-C; no name steers it", async () => {
  using folder = tempFolder();
  await using engine = hostile();
  const tty = `${folder.path}/tty`;
  const { program, press, end } = await onTerminal(
    ["top", "--interval", "0.2", "--url", engine.url],
    { tty, env: { NO_COLOR: "1" } },
  );
  await using _ = program;
  await program.line("busiest tenants");
  const large = screens(program.stdout).at(-2)!;
  assert.ok(large.length <= 23, `${large.length} lines`);
  const resized = await new Deno.Command("stty", {
    args: ["-F", Deno.readTextFileSync(tty).trim(), "rows", "9", "cols", "30"],
  }).output();
  assert.ok(resized.success, new TextDecoder().decode(resized.stderr));
  // Two more screens: the last of them is whole.
  const drawn = screens(program.stdout).length;
  while (screens(program.stdout).length < drawn + 3) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const small = screens(program.stdout).at(-2)!;
  assert.ok(small.length <= 8, `${small.length} lines`);
  for (const line of small) assert.ok([...line].length <= 30, line);
  await press("\x03");
  const { code } = await program.exited;
  await end().catch(() => {}); // the terminal is gone
  assert.equal(code, 0, program.stdout);
  assert.ok(
    program.stdout.startsWith("\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[H"),
    program.stdout.slice(0, 80),
  );
  assert.ok(
    program.stdout.trimEnd().endsWith("\x1b[?7h\x1b[?25h\x1b[?1049l"),
    program.stdout.slice(-80),
  );
  const rest = program.stdout.replace(/\x1b\[(\?\d+[hl]|[HJK])/g, "").replaceAll(/\r+\n/g, "");
  assert.doesNotMatch(rest.replace("^C", ""), /[\x00-\x1f\x7f-\x9f]/);
  assert.match(large.join("\n"), /\\u0007\\u001b\]0;owned/);
});

Deno.test("on a terminal: colours say what is wrong, and an engine that dies comes back on the screen", async () => {
  using folder = tempFolder();
  const env = {
    KAFKA_ENABLED: "false",
    STORAGE_SERVICE_URL: `http://127.0.0.1:${await freePort()}`,
    DATA_DIR: `${folder.path}/data`,
    METRICS_PORT: String(await freePort()),
  };
  const { METRICS_PORT } = env;
  const { program, press, end } = await onTerminal(["top", "--interval", "0.1"], {
    tty: `${folder.path}/tty`,
    env: { METRICS_PORT, NO_COLOR: "" },
  });
  await using _ = program;
  /** Waits for a screen behind all that were drawn before, with such a line. */
  const shown = async (line: RegExp) => {
    const before = screens(program.stdout).length;
    await program.line(() =>
      screens(program.stdout).slice(before, -1).some((it) => it.some((text) => line.test(text)))
    );
  };
  const gone = /^no answer from \S+: Connection refused$/;
  const notReady = /^\x1b\[31mNOT READY: storage: .*\x1b\[0m$/;
  await shown(gone);
  {
    await using engine = await startProgram({ env });
    const address = await engine.ready();
    await shown(/^\x1b\[32mready\x1b\[0m$/);
    // Two devices that fail: the service is away.
    const body = '[{"device_id":"a","temperature":20},{"device_id":"b","temperature":20}]';
    await (await fetch(`${address}/api/data`, { method: "POST", body })).body?.cancel();
    await shown(notReady);
    await shown(/^\x1b\[31mstorage +away +1 row .*\x1b\[0m$/);
  }
  await shown(gone);
  await using _engine = await startProgram({ env });
  await shown(notReady);
  await press("\x03");
  assert.equal((await program.exited).code, 0);
  await end().catch(() => {}); // the terminal is gone
});
