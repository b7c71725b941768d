/** The output's sink as a process that is killed in mid-flight, again and again. */
import assert from "node:assert/strict";
import { type Program, startProgram } from "../harness/process.ts";
import { tempFolder } from "../harness/temp.ts";

/**
 * Sends `rows` rows of five records into each lane. The process is killed whenever it has acknowledged
 * so many records (`until`), and goes on to its end at last. What it has counted in its last life, and
 * how many records were unsure in all of them.
 */
export async function killedInFlight(of: {
  bootstrap: string;
  topic: string;
  rows: number;
  until: readonly number[];
  /** Base sequence of the first row. */
  first?: number;
  env?: Record<string, string>;
}): Promise<{ counts: Record<string, number>; unsure: number }> {
  const { bootstrap, topic, rows, until, first, env } = of;
  using data = tempFolder();
  const start = () =>
    startProgram({
      main: new URL("output_process.ts", import.meta.url).pathname,
      args: [bootstrap, topic, String(rows), ...(first === undefined ? [] : [String(first)])],
      env: { DATA_DIR: data.path, ...env },
    });
  let unsure = 0;
  const add = ({ lines }: Program) => {
    for (const line of lines) unsure += Number(line.match(/^unsure (\d+)/)?.[1] ?? 0);
  };
  for (const records of until) {
    await using program = await start();
    await program.line((line) => Number(line.match(/^acknowledged (\d+)/)?.[1]) >= records);
    await program.kill();
    assert.ok(!program.stdout.includes("drained"), "it was killed too late to show anything");
    add(program);
  }
  await using program = await start();
  const counts = JSON.parse((await program.line("drained")).slice("drained ".length));
  await program.exited;
  add(program);
  return { counts, unsure };
}
