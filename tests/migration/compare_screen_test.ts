// deno-lint-ignore-file no-control-regex -- what a terminal is told is looked at
/** `plumbline compare` on a real terminal. */
import assert from "node:assert/strict";
import { tempFolder } from "../harness/temp.ts";
import { onTerminal } from "../harness/terminal.ts";
import { oldResults, reading } from "./old_and_new.ts";

Deno.test("a terminal is shown how far it is; nothing in a result steers it", async () => {
  using folder = tempFolder("compare-");
  const { path } = folder;
  const olds = Array.from(
    { length: 20_000 },
    (_, i) => oldResults("go", [reading(`device-${i}`)])[0],
  );
  const hostile = oldResults("go", [reading("\u0007\u001b]0;owned", { tenant_id: "\u009bt" })])[0];
  Deno.writeTextFileSync(`${path}/old.ndjson`, [...olds, hostile].join("\n"));
  // Whatever the other side is: both are read, and joined.
  const news = olds.map((text, i) => text.replace(/}$/, `,"id":"in-0-${i}"}`));
  Deno.writeTextFileSync(`${path}/new.ndjson`, [...news, "\u001b[2J{"].join("\n"));
  const { program, end } = await onTerminal(
    ["compare", `${path}/old.ndjson`, `${path}/new.ndjson`],
    {
      tty: `${path}/tty`,
      env: { NO_COLOR: "1" },
    },
  );
  await using _ = program;
  const { code } = await program.exited;
  await end().catch(() => {}); // the terminal is gone
  assert.equal(code, 1, program.stdout);
  for (const what of ["old.ndjson", "new.ndjson", "joining"]) {
    assert.match(program.stdout, new RegExp(`\\d+ % .*${what}`));
  }
  // The bar is cleared: what stands in the end is the report.
  const report = program.stdout.slice(
    program.stdout.lastIndexOf("20,001 results of the old engine"),
  );
  assert.match(report, /blank, over 256 characters or control characters/);
  assert.match(report, /owned/);
  assert.doesNotMatch(report.replaceAll(/\r?\n/g, ""), /[\x00-\x1f\x7f-\x9f]/);
});

Deno.test("Ctrl-C ends it at once, while it reads and while it joins", async () => {
  using folder = tempFolder("compare-");
  const { path } = folder;
  const olds = Array.from(
    { length: 200_000 },
    (_, i) =>
      `{"device_id":"d${i}","timestamp":"2026-01-01T00:00:00Z","tenant_id":"t","processed_at":"2026-01-01T00:00:00Z"}`,
  );
  for (const side of ["old", "new"]) {
    Deno.writeTextFileSync(`${path}/${side}.ndjson`, olds.join("\n"));
  }
  for (const what of ["old.ndjson", "joining"]) {
    const args = ["compare", `${path}/old.ndjson`, `${path}/new.ndjson`];
    const { program, press, end } = await onTerminal(args, { tty: `${path}/tty`, env: {} });
    await using _ = program;
    while (!program.stdout.includes(what)) await new Promise((resolve) => setTimeout(resolve, 5));
    await press("\x03");
    const { code } = await program.exited;
    await end().catch(() => {});
    assert.notEqual(code, 0);
    assert.doesNotMatch(program.stdout, /of the old engine, /);
  }
});
