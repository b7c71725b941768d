/** Reads until it is killed: a program of its own for `source_faults_test.ts`. Prints what it has read. */
import { Reader } from "./reader.ts";

const [topic, group, dir] = Deno.args;
const reader = new Reader({ topic, group, dir });
for (let read = 1;; read = reader.records.length + 1) {
  await reader.untilRead(read, 60_000);
  console.log(`read ${reader.records.length}`);
}
