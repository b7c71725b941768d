/**
 * Writes batches until it is killed: `batch n` after the commit of batch n. With a second argument it
 * stops for good in the middle of that batch's transaction, and says `inside`.
 */
import { counts, device, open, row, SOURCE } from "../samples.ts";

const [dir, stopAt] = Deno.args;
const store = open(dir);
const written = store.positions.next(SOURCE);
if (written === undefined) store.positions.jump(SOURCE, 0, "first start");

for (let number = (written ?? 0) + 1;; number++) {
  store.transact((tx) => {
    tx.advance(SOURCE, number - 1, number);
    for (const half of [1, 2]) {
      // Beyond SQLite's cache: a part of the transaction is in the file before its commit.
      const size = String(number) === stopAt ? 50_000_000 : 200_000;
      const body = new Uint8Array(size).fill(number);
      const id = 2 * (number - 1) + half;
      tx.append(row(id, { count: 1, baseSequence: id - 1, body }), "output");
      if (half === 1) tx.saveDevice(device("a", { journalId: number }));
    }
    tx.count(counts({ read: 2, results: 2 }));
    tx.saveDevice(device("b", { journalId: number }));
    if (number % 5 === 0) tx.prune(2 * number - 6);
    if (String(number) === stopAt) {
      say("inside");
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    }
    tx.moveCheckpoint(number);
  });
  say(`batch ${number}`);
}

function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}
