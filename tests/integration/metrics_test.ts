/** The metrics page of the program itself, read as a scraper reads it. */
import assert from "node:assert/strict";
import { parseExposition, valueOf } from "../telemetry/exposition.ts";
import { makeLoad, seededRandom, take, Writer } from "./load.ts";
import { makeRoad } from "./road.ts";

Deno.test("the page of an engine at work is right, and nothing is left out of it", async () => {
  await using road = await makeRoad({ name: "metrics" });
  await using writer = new Writer(road.input);
  await writer.connect();
  await writer.send(take(makeLoad({ devices: 50, random: seededRandom(1) }), 2_000));
  await road.start();
  const address = await road.program.ready();
  const { read, results, rejected } = await road.drained();
  const page = async () => parseExposition(await (await fetch(`${address}/metrics`)).text());
  let families = await page();
  const value = (name: string, labels = {}) => valueOf(families, name, labels);
  // The broker has the last results a moment before the engine knows.
  const acknowledged = () => value("plumbline_output_acknowledged_total")!;
  for (let i = 0; i < 1000 && acknowledged() < results; i++) families = await page();
  families = await page();
  assert.equal(value("plumbline_readings_read_total"), read);
  const judged = ["normal", "anomaly"].map((status) =>
    value("process_messages_total", { status })!
  );
  assert.equal(judged[0] + judged[1], results);
  assert.equal(value("process_messages_total", { status: "error" }), rejected);
  assert.equal(acknowledged(), results);
  assert.equal(value("plumbline_rebalances_total"), 1);
  assert.equal(value("plumbline_position_jumps_total", { reason: "first start" }), 4);
  for (const part of ["source", "output"]) assert.equal(value("plumbline_connected", { part }), 1);
  for (const partition of ["0", "1", "2", "3"]) {
    assert.equal(value("plumbline_consumer_lag", { partition }), 0);
  }
  assert.equal(value("plumbline_live"), 1);
  for (const check of ["kafka", "store", "output", "storage", "progress"]) {
    assert.equal(value("plumbline_ready", { check }), 1, check);
  }
  assert.equal(value("plumbline_backlog_limit_bytes", { sink: "output" }), 4 * 1024 ** 3);
  assert.equal(value("plumbline_backlog_dropped_total", { sink: "output" }), 0);
  assert.ok(value("plumbline_devices_in_memory")! >= 50);
  assert.ok(value("plumbline_fleet_bytes")! > 0);
  assert.ok(value("plumbline_commit_duration_seconds_count")! > 0);
  assert.ok(value("plumbline_store_bytes", { file: "database" })! > 0);
  assert.ok(value("plumbline_store_bytes", { file: "wal" })! > 0);
  assert.ok(value("plumbline_disk_free_bytes")! > 0);
  const request = { endpoint: "/metrics", method: "GET", status: "200" };
  assert.ok(value("http_requests_total", request)! >= 1);
  assert.equal(value("plumbline_metric_failures_total"), 0);
  await road.program.kill("SIGTERM");

  // The log of a life without trouble: no more lines than these, each of them JSON.
  const lines = road.program.stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(lines.map(({ level, message }) => `${level}: ${message}`), [
    "info: plumbline is running",
    "info: joined the consumer group",
    "info: the first start: reading from the topic's first offsets",
    "info: stopping, within 10 s; a second signal ends it at once",
    "info: plumbline has stopped",
  ]);
});
