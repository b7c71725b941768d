/** `plumbline compare` with both engines' addresses: a real one, and a stand-in for the old one. */
import assert from "node:assert/strict";
import { GoFinalStatistics } from "../fixtures/legacy/go_final_statistics.ts";
import { startProgram } from "../harness/process.ts";
import { tempFolder } from "../harness/temp.ts";
import { compare, newResults, oldResults, reading } from "./old_and_new.ts";

const METRICS = new URL("../fixtures/contract/go-final.metrics.txt", import.meta.url);
const REAL = new URL("../fixtures/legacy/go_final.statistics.json", import.meta.url);

type Answer = { status: number; text: string };

/** The old engine's HTTP, whatever it has to say. */
function serveOld(answer: (path: string) => Answer) {
  return Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, ({ url }) => {
    const { status, text } = answer(decodeURIComponent(new URL(url).pathname));
    return new Response(text, { status });
  });
}

Deno.test("the stand-in's statistics are those of the real engine", async () => {
  const real = JSON.parse(await Deno.readTextFile(REAL));
  const statistics = new GoFinalStatistics();
  for (
    const [temperature, humidity, timestamp] of [
      [21, 45, "2026-01-02T00:00:00Z"],
      [99, 99, "2026-01-01T00:00:00Z"],
      [1, 1, "no time"],
    ]
  ) statistics.add(JSON.stringify({ device_id: "d", temperature, humidity, timestamp }));
  const made = JSON.parse(statistics.stats().text);
  assert.deepEqual(made.data, real.data);
  assert.equal(made.processing.errors, real.processing.errors);
  assert.equal(made.processing.messages_processed, real.processing.messages_processed);
  const huge = new GoFinalStatistics();
  for (let i = 0; i < 2; i++) huge.add('{"device_id":"ovf","temperature":1e308}');
  assert.deepEqual(huge.stats(), { status: 200, text: "" });
});

Deno.test("statistics and metrics of a real engine beside the old one's", async (t) => {
  using folder = tempFolder("compare-");
  const readings = Array.from({ length: 130 }, (_, i) =>
    reading(i < 115 ? "busy" : `device-${i}`, {
      timestamp: `2026-01-01T00:${String(i % 60).padStart(2, "0")}:${i < 60 ? "00" : "30"}.25Z`,
      temperature: 15 + i / 10,
      ...i === 120 ? { humidity: undefined } : {},
    }));
  const [old, now] = [`${folder.path}/old.ndjson`, `${folder.path}/new.ndjson`];
  Deno.writeTextFileSync(now, (await newResults(readings, `${folder.path}/in.ndjson`)).join("\n"));
  Deno.writeTextFileSync(old, oldResults("go", readings).join("\n"));
  await using engine = await startProgram({
    env: { KAFKA_ENABLED: "false", DATA_DIR: `${folder.path}/data` },
  });
  const address = await engine.ready();
  const posted = await fetch(`${address}/api/data`, {
    method: "POST",
    headers: { "content-type": "application/x-ndjson" },
    body: readings.join("\n"),
  });
  assert.equal((await posted.json()).accepted, readings.length);
  const statistics = new GoFinalStatistics();
  for (const text of readings) statistics.add(text);
  const metrics = await Deno.readTextFile(METRICS);
  const asked: string[] = [];
  let change = (_path: string, answer: Answer) => answer;
  await using server = serveOld((path) => {
    asked.push(path);
    if (path === "/metrics") return change(path, { status: 200, text: metrics });
    if (path === "/api/stats") return change(path, statistics.stats());
    return change(path, statistics.device(path.replace("/api/stats/device/", "")));
  });
  const oldUrl = `http://127.0.0.1:${server.addr.port}`;
  const urls = ["--old-url", oldUrl, "--new-url", address, "--interval", "0.1"];
  const run = () => compare([old, now, "--json", ...urls]);

  await t.step("at rest everything is compared, and explained", async () => {
    const { report, unexplained, code } = await run();
    assert.deepEqual(unexplained, {});
    assert.equal(code, 0);
    const { moving, devices, figures } = report.engines;
    assert.deepEqual([moving, devices], [false, { compared: 16, moved: 0 }]);
    assert.ok(
      figures.old.errors > 0 && figures.old.memory_bytes > 0 && figures.new.memory_bytes > 0,
    );
    assert.equal(figures.new.per_second, 0);
    assert.equal(asked.filter((path) => path === "/api/stats").length, 1);
    assert.ok(asked.filter((path) => path.startsWith("/api/stats/device/")).length >= 17);
    const text = await compare([old, now, ...urls, "--html", `${folder.path}/report.html`]);
    assert.match(
      text.stdout,
      /Statistics of 16 devices compared, and the sums\.\n +old engine +Plumbline\n/,
    );
    assert.match(Deno.readTextFileSync(`${folder.path}/report.html`), /memory<\/td><td>\d+ MiB/);
  });

  await t.step(
    "one number that differs is found, on the page of all or on a device's",
    async () => {
      const plant = (where: string, from: RegExp, to: string) => (path: string, answer: Answer) => {
        if (path !== where) return answer;
        const text = answer.text.replace(from, to);
        assert.notEqual(text, answer.text);
        return { ...answer, text };
      };
      const cases: [ReturnType<typeof plant>, string][] = [
        [plant("/api/stats", /"sum":[\d.]+/, '"sum":1'), "all of temperature: sum differs"],
        [
          plant("/api/stats", /("device-117":.*?"max":)[\d.]+/, "$11"),
          "a device's temperature max differs",
        ],
        [plant("/api/stats", /"device-117"/, '"device-999"'), "only the old engine knows a device"],
        [
          plant("/api/stats/device/device-118", /"avg":[\d.]+/, '"avg":1'),
          "a device's temperature avg differs",
        ],
      ];
      for (const [planted, name] of cases) {
        change = planted;
        const { unexplained, code } = await run();
        assert.ok(unexplained[name] >= 1, `${name}: ${JSON.stringify(unexplained)}`);
        assert.equal(code, 1);
      }
      change = (_path, answer) => answer;
    },
  );

  await t.step("what an old engine answers instead is named, and nothing breaks", async () => {
    const answers: [Answer, string][] = [
      [{ status: 200, text: "" }, "6, 7: "],
      [{ status: 200, text: metrics }, "L5: "],
      [{ status: 500, text: "<!DOCTYPE HTML>" }, "19: "],
      [{ status: 200, text: "not json" }, "the old engine's statistics can't be read"],
    ];
    for (const [given, name] of answers) {
      change = (path, answer) => path === "/metrics" ? answer : given;
      const { report, stderr } = await run();
      const names = report.findings.map((it: { name: string }) => it.name);
      assert.ok(names.some((it: string) => it.startsWith(name)), `${name}: ${names}\n${stderr}`);
      assert.equal(report.engines.devices.compared, 0);
    }
    change = (path, answer) => path === "/metrics" ? { status: 404, text: "404" } : answer;
    const { report, code } = await run();
    assert.equal(report.engines.figures.old.memory_bytes, null);
    assert.equal(code, 0);
    change = (_path, answer) => answer;
  });

  await t.step("while readings come, a device at another reading isn't compared", async () => {
    const behind = new GoFinalStatistics();
    const last = readings.findLastIndex((text) => text.includes('"device-129"'));
    for (const text of readings) if (text !== readings[last]) behind.add(text);
    behind.add(
      readings[last].replace(/"temperature":[\d.]+/, '"temperature":3').replace("00:09", "00:08"),
    );
    let count = 0;
    change = (path, answer) => {
      if (path === "/api/stats") return behind.stats();
      if (path.endsWith("device-129")) return behind.device("device-129");
      if (path !== "/metrics") return answer;
      const text = `process_messages_total{status="normal"} ${count += 100}\n`;
      return { status: 200, text };
    };
    const { report, unexplained, code } = await run();
    assert.deepEqual([unexplained, code], [{}, 0]);
    const { moving, devices, figures } = report.engines;
    // The busy one's last_seen went back at the old engine.
    assert.deepEqual([moving, devices], [true, { compared: 14, moved: 2 }]);
    assert.ok(figures.old.per_second > 0);
    change = (_path, answer) => answer;
  });

  await t.step("an engine that isn't there, one address alone", async () => {
    const away = await compare([old, now, "--old-url", "http://127.0.0.1:1", "--new-url", address]);
    assert.equal(away.code, 2);
    assert.match(
      away.stderr,
      /^plumbline: asking the old engine at http:\/\/127.0.0.1:1\/metrics: .+\n$/,
    );
    const alone = await compare([old, now, "--old-url", oldUrl]);
    assert.equal(alone.code, 2);
    assert.match(alone.stderr, /go together/);
  });
});
