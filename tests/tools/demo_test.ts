/** `deno task demo` as a real process: it shows what comes in, stops cleanly, and goes on. */
import assert from "node:assert/strict";
import { Program } from "../harness/process.ts";
import { tempFolder } from "../harness/temp.ts";

const DEMO = new URL("../../tools/demo.ts", import.meta.url).pathname;
/** By this simulation's marks two spikes and the ends of two other faults come in the first 3 s. */
const PLACE = { seed: 17, start: Date.UTC(2026, 0, 1), next: 28_000 };

/** Ended by SIGTERM, should a test fail before its end: a killed demo would leave its engine behind. */
class Demo extends Program {
  override async [Symbol.asyncDispose](): Promise<void> {
    await this.kill("SIGTERM");
  }
}

function startDemo(folder: string, env: Record<string, string> = {}): Demo {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", DEMO],
    env: { NO_COLOR: "1", METRICS_PORT: "0", DATA_DIR: folder, KAFKA_BROKER: "nowhere", ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  return new Demo(child);
}

/** Readings that the last line before `Stopping.` counts. */
function counted(demo: Program): number {
  const line = demo.lines[demo.lines.indexOf("Stopping.") - 1];
  return Number(/^([\d,]+) readings/.exec(line)![1].replaceAll(",", ""));
}

/** Where the simulation is, as the demo has stored it. */
function placeIn(folder: string): typeof PLACE {
  return JSON.parse(Deno.readTextFileSync(`${folder}/simulation.json`));
}

async function addressOf(demo: Program): Promise<string> {
  const line = await demo.line("Plumbline runs on ");
  return /http:\/\/127\.0\.0\.1:\d+/.exec(line)![0];
}

Deno.test("the demo counts, marks, stops on Ctrl-C, and goes on where it stopped", async () => {
  using folder = tempFolder();
  Deno.writeTextFileSync(`${folder.path}/simulation.json`, JSON.stringify(PLACE));
  await using first = startDemo(folder.path);
  const address = await addressOf(first);
  await first.line((line) =>
    /^anomaly: plant-\d\/[a-z]+-\d{3} at .* is (above|below) \d+ \(in truth: /.test(line)
  );
  await first.line((line) =>
    /^not seen by range: (stuck|silent|drifting) sensor plant-\d\/[a-z]+-\d{3}/.test(line)
  );
  await first.line((line) => /^\d,?\d* readings, /.test(line) && !line.startsWith("0 "));
  const { data } = await (await fetch(`${address}/api/stats?limit=1`)).json();
  assert.ok(data.temperature.count > 0);
  first.signal("SIGINT"); // a task runner sends on what the terminal has sent already
  assert.deepEqual(await first.kill("SIGINT"), { code: 0, signal: null });
  assert.equal(first.lines.at(-1), "Stopping.");
  assert.equal(first.stderr, "");
  await assert.rejects(fetch(address), "the engine has ended, too");

  const before = counted(first);
  const placeBefore = placeIn(folder.path);
  assert.ok(placeBefore.next > PLACE.next, "the simulation has gone on");
  await using second = startDemo(folder.path);
  const goingOn = await second.line("Going on where it stopped: ");
  assert.ok(goingOn.includes(`: ${before.toLocaleString("en")} readings`), goingOn);
  await second.line((line) => /^[\d,]+ readings/.test(line));
  assert.deepEqual(await second.kill("SIGTERM"), { code: 0, signal: null });
  assert.ok(counted(second) > before, `${counted(second)} after ${before}`);
  const { seed, start, next } = placeIn(folder.path);
  assert.deepEqual([seed, start], [PLACE.seed, PLACE.start]);
  const sent = counted(second) - before;
  assert.ok(next - placeBefore.next >= sent, "from where it was");
  assert.ok(next - placeBefore.next < 1.5 * sent, "only silent devices make a difference");
});

Deno.test("a port that is taken isn't fought for; a folder that is in use is", async () => {
  using folder = tempFolder();
  using taken = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const { port } = taken.addr as Deno.NetAddr;
  await using first = startDemo(folder.path, { METRICS_PORT: String(port) });
  const line = await first.line(`Port ${port} is taken; using `);
  assert.ok((await addressOf(first)).endsWith(line.match(/using (\d+)/)![1]));
  await using second = startDemo(folder.path);
  assert.equal((await second.exited).code, 3);
  assert.match(second.stderr, /one process at a time may use it/);
  await first.kill("SIGINT");
});
