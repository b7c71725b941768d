/** `plumbline compare` as a process, over files. */
import assert from "node:assert/strict";
import { broker, client, topicName } from "../harness/kafka.ts";
import { tempFolder } from "../harness/temp.ts";
import { AT, compare, engines, newResults, oldResults, reading } from "./old_and_new.ts";

/** A folder with files of these lines; their paths. */
function files(folder: string, contents: Record<string, readonly string[]>): string[] {
  return Object.entries(contents).map(([name, lines]) => {
    const path = `${folder}/${name}.ndjson`;
    Deno.writeTextFileSync(path, lines.join("\n"));
    return path;
  });
}

Deno.test("what differs on purpose is explained, for either engine; one planted difference is found", async () => {
  using folder = tempFolder("compare-");
  const readings = Array.from({ length: 20 }, (_, number) => reading(`device-${number}`));
  const made = await newResults(readings, `${folder.path}/input`);
  assert.equal(made.length, 20);
  for (const engine of engines) {
    const [old, now] = files(folder.path, {
      old: oldResults(engine, readings),
      new: made.toReversed(),
    });
    const equal = await compare([old, now, "--json"]);
    assert.equal(equal.report.pairs, 20);
    assert.deepEqual(equal.unexplained, {});
    assert.equal(equal.code, 0);

    const planted = made.map((text, i) =>
      i === 7 ? text.replace('"anomaly_score":0', '"anomaly_score":1') : text
    );
    const [other] = files(folder.path, { planted });
    const html = `${folder.path}/report.html`;
    const found = await compare([old, other, "--html", html]);
    assert.equal(found.code, 1);
    assert.match(found.stdout, /Unexplained:\n +1 {2}anomaly_score differs\n +acme\/device-7, /);
    assert.match(found.stdout, /1 difference is unexplained\.\n$/);
    const page = await Deno.readTextFile(html);
    assert.match(page, /anomaly_score differs/);
    assert.doesNotMatch(page, /https?:|src=|@import|<script/);
  }
});

Deno.test("results that are missing, come twice or are none are told", async () => {
  using folder = tempFolder("compare-");
  const readings = ["a", "b", "c", "twice", "again"].map((device) => reading(device));
  const made = await newResults(readings, `${folder.path}/in.ndjson`);
  const olds = oldResults("go", readings);
  const [old, now] = files(folder.path, {
    old: [olds[0], olds[1], "}{", "", olds[3], olds[3], olds[4]],
    new: [...made.slice(1), made[4], made[4], '{"temperature":1}'],
  });
  const plain = await compare([old, now, "--json"]);
  assert.equal(plain.code, 1);
  assert.deepEqual(plain.unexplained, {
    "only Plumbline has a result": 1,
    "only the old engine has a result": 1,
    "only the old engine has a result, one more of several alike (--input tells)": 1,
    "the old side has a value that is no result": 1,
    "the new side has a value that is no result": 1,
  });
  assert.equal(plain.report.repeated, 2);
  const looked = await compare([old, now, "--json", "--input", `${folder.path}/in.ndjson`]);
  assert.deepEqual(looked.unexplained, {
    "only Plumbline has a result, and there is the reading": 1,
    "only the old engine has a result, and there is the reading": 1,
    "the old side has a value that is no result": 1,
    "the new side has a value that is no result": 1,
  });
  assert.ok(JSON.stringify(looked.report.findings).includes("14b: duplicates"));
});

Deno.test("a result more than Plumbline's isn't a duplicate where there is the reading", async () => {
  using folder = tempFolder("compare-");
  const readings = [reading("a"), reading("a")];
  const made = await newResults(readings, `${folder.path}/in.ndjson`);
  for (const engine of engines) {
    const [old, now] = files(folder.path, { old: oldResults(engine, readings), new: [made[0]] });
    const { unexplained, code } = await compare([
      ...[old, now, "--json", "--input", `${folder.path}/in.ndjson`],
    ]);
    assert.deepEqual(unexplained, {
      "only the old engine has a result, and there is the reading": 1,
    });
    assert.equal(code, 1);
  }
});

Deno.test("formats mixed, sides swapped, nothing to compare", async () => {
  using folder = tempFolder("compare-");
  const readings = [reading("a"), reading("b")];
  const made = await newResults(readings, `${folder.path}/input`);
  const [go, python] = engines.map((engine) => oldResults(engine, readings));
  const [mixed, now, empty] = files(folder.path, {
    mixed: [go[0], python[1]],
    now: made,
    empty: [],
  });
  const { unexplained, code } = await compare([mixed, now, "--json"]);
  assert.equal(unexplained["the old side has results of several formats"], 1);
  assert.equal(code, 1);
  const swapped = await compare([now, mixed, "--json"]);
  assert.equal(swapped.unexplained["the new side has a result that is not Plumbline's"], 2);
  const nothing = await compare([empty, now]);
  assert.equal(nothing.code, 1);
  assert.match(nothing.stdout, /^Nothing could be compared: /m);
});

Deno.test("a range is of the readings' times; Python has only those of processing", async () => {
  using folder = tempFolder("compare-");
  const readings = [0, 1, 2, 3].map((n) =>
    reading(`d-${n}`, { timestamp: `2026-01-0${n + 1}T00:00:00Z` })
  );
  const made = await newResults(readings, `${folder.path}/input`);
  const [old, now] = files(folder.path, {
    old: oldResults("go", readings).slice(0, 3),
    new: made.slice(1),
  });
  const range = ["--from", "2026-01-02", "--to", "2026-01-03T12:00:00Z"];
  const { report, code } = await compare([old, now, "--json", ...range]);
  assert.deepEqual([report.pairs, code], [2, 0]);
  const [python] = files(folder.path, { python: oldResults("python", readings) });
  const none = await compare([python, now, "--json", "--to", AT + "Z"]);
  assert.equal(none.report.pairs, 0);
});

Deno.test("a side that can't be read is said in one line", async () => {
  using folder = tempFolder("compare-");
  const [file] = files(folder.path, { there: [] });
  const none = await compare([file, `${folder.path}/gone`]);
  assert.equal(none.code, 2);
  assert.match(none.stderr, /^plumbline: reading the new results from .*gone: .+\n$/);
  const topic = topicName("nowhere");
  const unknown = await compare([topic, file], { KAFKA_BROKER: broker() });
  assert.equal(unknown.code, 2);
  assert.match(
    unknown.stderr,
    new RegExp(`^plumbline: reading the old results from ${topic}: .+\n$`),
  );
  const admin = client().admin();
  await admin.connect();
  try {
    assert.ok(!(await admin.listTopics()).includes(topic));
  } finally {
    await admin.disconnect();
  }
  const refused = await compare([file, "no topic's name"], { KAFKA_BROKER: broker() });
  assert.equal(refused.code, 2);
  const away = await compare([topic, file], { KAFKA_BROKER: "127.0.0.1:1" });
  assert.equal(away.code, 2);
});
