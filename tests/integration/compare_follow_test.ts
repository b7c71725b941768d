/** `plumbline compare --follow`: two topics of a real broker while results come. */
import assert from "node:assert/strict";
import { broker, createTopic, produce, topicName } from "../harness/kafka.ts";
import { type Program, startProgram } from "../harness/process.ts";
import { tempFolder } from "../harness/temp.ts";
import { engines, newResults, oldResults, reading } from "../migration/old_and_new.ts";

interface Round {
  readonly pairs: number;
  readonly waiting: { readonly old: number; readonly new: number };
  readonly findings: readonly { kind: string; name: string; count: number }[];
}

/** Waits for a report that this holds of, after those that it has been shown. */
async function until(program: Program, holds: (round: Round) => boolean): Promise<Round> {
  for (;;) {
    const rounds = program.stdout.split("\n").slice(0, -1).map((line) => JSON.parse(line) as Round);
    const found = rounds.find(holds);
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const ALONE = "1 only Plumbline has a result, and there is the reading";

const unexplained = ({ findings }: Round) =>
  findings.filter(({ kind }) => kind === "unexplained").map(({ name, count }) =>
    `${count} ${name}`
  );

Deno.test("topics are followed: partners that come late are found, what stays alone is told in time", async () => {
  using folder = tempFolder("follow-");
  for (const engine of engines) {
    const [old, now] = [topicName("follow-old"), topicName("follow-new")];
    const input = await createTopic({ name: topicName("follow-in") });
    await createTopic({ name: old, partitions: 2 });
    await createTopic({ name: now, partitions: 2 });
    const readings = Array.from(
      { length: 100 },
      (_, i) => reading(`device-${i % 10}`, { temperature: 15 + i / 10 }),
    );
    const olds = oldResults(engine, readings);
    const news = await newResults(readings, `${folder.path}/in`);
    await using program = await startProgram({
      args: [
        ...["compare", old, now, "--input", input, "--follow", "--json"],
        ...["--interval", "0.2", "--wait", engine === "go" ? "10" : "60"],
      ],
      env: { KAFKA_BROKER: broker() },
    });
    const send = (topic: string, values: string[]) =>
      produce(topic, values.map((value) => ({ value })));
    await send(input, readings);
    await send(old, olds.slice(0, 60));
    await send(now, news.slice(0, 40));
    const first = await until(program, ({ pairs }) => pairs === 40);
    assert.deepEqual(unexplained(first), []);
    await until(program, ({ waiting }) => waiting.old === 20);
    await send(now, news.slice(40));
    await send(old, olds.slice(60, 99));
    const second = await until(program, ({ pairs }) => pairs === 99);
    assert.deepEqual(unexplained(second), []);
    if (engine === "go") {
      // The last one's partner never comes.
      await until(program, (round) => unexplained(round).join() === ALONE);
    }
    const exit = await program.kill("SIGINT");
    const isJudged = engine === "go";
    assert.deepEqual(exit, { code: isJudged ? 1 : 0, signal: null });
    const last = JSON.parse(program.stdout.trimEnd().split("\n").at(-1)!);
    assert.deepEqual([last.pairs, last.waiting], [99, { old: 0, new: isJudged ? 0 : 1 }]);
  }
});

Deno.test("following begins only where it can: no files, and both topics have to be there", async () => {
  using folder = tempFolder("follow-");
  const here = await createTopic({ name: topicName("follow-here") });
  const run = async (args: string[]) => {
    await using program = await startProgram({ args, env: { KAFKA_BROKER: broker() } });
    return { ...await program.exited, stderr: program.stderr };
  };
  const file = await run(["compare", here, `${folder.path}/x`, "--follow"]);
  assert.equal(file.code, 2);
  assert.match(file.stderr, /--follow follows topics/);
  const gone = await run(["compare", here, topicName("follow-gone"), "--follow"]);
  assert.equal(gone.code, 2);
  assert.match(gone.stderr, /^plumbline: reading the new results from .*\n$/);
});
