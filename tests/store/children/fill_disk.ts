/**
 * Writes batches until the disk takes no more, in a file whose size is limited. Then it says so, waits
 * for a line, and writes the same batch again.
 */
import { StoreUnavailable } from "../../../src/pipeline/ports.ts";
import { counts, open, row, SOURCE } from "../samples.ts";

const store = open(Deno.args[0]);
store.positions.jump(SOURCE, 0, "first start");
let failed = "";
for (let batch = 1; failed === ""; batch++) {
  const write = (swallow: boolean) =>
    store.transact((tx) => {
      tx.advance(SOURCE, batch - 1, batch);
      tx.count(counts({ read: 1, results: 1 }));
      const body = new Uint8Array(swallow ? 90_000_000 : 300_000).fill(batch);
      const appended = row(batch, { body });
      if (!swallow) return tx.append(appended, "output");
      // Larger than the cache: the write fails here, not in the commit.
      try {
        tx.append(appended, "output");
      } catch {
        tx.count(counts({ read: 1000 }));
      }
    });
  try {
    write(false);
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
    failed = error.message;
    console.log(JSON.stringify({ batch, failed, ...there() }));
    try {
      write(true);
    } catch (swallowed) {
      console.log(JSON.stringify({ failed: (swallowed as Error).message, ...there() }));
    }
    await Deno.stdin.read(new Uint8Array(10));
    write(false);
    console.log(JSON.stringify(there()));
  }
}
store.close();

function there() {
  const { rows } = store.journal.size();
  return { position: store.positions.next(SOURCE), rows, read: store.counters().read };
}
