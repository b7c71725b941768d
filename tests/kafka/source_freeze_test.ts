import assert from "node:assert/strict";
import { createTopic, produce, topicName } from "../harness/kafka.ts";
import { Program } from "../harness/process.ts";
import { tempFolder } from "../harness/temp.ts";
import { clientVariable } from "./client_in_use.ts";
import { Reader } from "./reader.ts";

const SCRIPT = new URL("./frozen_reader.ts", import.meta.url).pathname;
const CONFIG = new URL("../../deno.json", import.meta.url).pathname;

function values(from: number, to: number): { value: string }[] {
  return Array.from({ length: to - from }, (_, i) => ({ value: String(from + i) }));
}

Deno.test("an engine that was frozen for longer than its session applies nothing that it had in hand", async () => {
  using one = tempFolder();
  using two = tempFolder();
  const topic = await createTopic({ name: topicName("freeze") });
  await produce(topic, values(0, 10));
  await using frozen = new Program(
    new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--config", CONFIG, SCRIPT, topic, topic, one.path],
      env: clientVariable(),
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn(),
  );
  await frozen.line("committed 9");
  await produce(topic, values(10, 20));
  await frozen.line("in hand");
  frozen.signal("SIGSTOP");
  await using other = new Reader({ topic, group: topic, dir: two.path });
  await other.untilRead(10, 60_000);
  assert.deepEqual(other.records.map(({ offset }) => offset), [
    10,
    11,
    12,
    13,
    14,
    15,
    16,
    17,
    18,
    19,
  ]);
  frozen.signal("SIGCONT");
  // It comes back into the group, which has one partition: it goes to one of the two.
  const joins = () => other.logged("joined the consumer group").length;
  await other.until("the other's return", () => joins() > 1);
  await other.close();
  await produce(topic, values(20, 30));
  await frozen.line("committed 29", 60_000);
  const removed = frozen.lines.filter((line) => line.includes("has removed this member"));
  assert.deepEqual(removed, [], "its session had ended");
  const committed = frozen.lines.filter((line) => line.startsWith("committed"));
  const offsets = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29];
  assert.deepEqual(committed, offsets.map((offset) => `committed ${offset}`));
});
