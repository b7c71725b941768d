/**
 * A start with a large backlog beside one with none: the journal is written by hand, nothing of it can
 * be sent (nobody listens), and the time to the first answer, the bytes read from the disk and the
 * memory are looked at. Each start is measured with what the system has cached, and without it where
 * that may be dropped (as root).
 */
import { openStore } from "../../src/store/open.ts";
import { startProgram } from "../harness/process.ts";
import { tempFolder } from "../harness/temp.ts";
import { numbered, rowOf } from "../kafka/output_rows.ts";
import { SILENT } from "../store/samples.ts";
import { PARTITIONS } from "./load.ts";
import { memory } from "./machine.ts";
import type { Figures } from "./table.ts";

const MIB = 1024 ** 2;
/** About what a result takes in the journal. */
const RECORD_BYTES = 500;
const TRANSACTION_BYTES = 64 * MIB;

export interface BacklogSize {
  readonly bytes: number;
  readonly rowBytes: number;
}

export async function measureBacklog(size: BacklogSize): Promise<Figures> {
  using folder = tempFolder("bench-backlog-");
  const dir = `${folder.path}/full`;
  const rows = writeBacklog(dir, size);
  await new Deno.Command("sync").output();
  const figures: Figures = { "backlog MiB": size.bytes / MIB, rows };
  const add = (name: string, start: Start) => {
    for (const [what, value] of Object.entries(start)) figures[`${name}: ${what}`] = value;
  };
  for (const cache of dropCaches() ? ["cold", "warm"] as const : ["warm"] as const) {
    add(`none, ${cache}`, await measureStart(`${folder.path}/none-${cache}`, cache));
    add(`full, ${cache}`, await measureStart(dir, cache));
  }
  return figures;
}

/** A folder as an engine leaves it behind whose sinks were both away; how many rows there are. */
export function writeBacklog(dir: string, { bytes, rowBytes }: BacklogSize): number {
  const store = openStore({ dir, log: SILENT, now: Date.now });
  const records = Array.from(
    { length: Math.max(1, Math.floor(rowBytes / RECORD_BYTES)) },
    (_, i) => numbered(0, i, RECORD_BYTES - 80),
  );
  const time = Date.now();
  const { body, count } = rowOf(records, { id: 0, lane: 0, lanes: 0, time, baseSequence: 0 });
  const rows = Math.ceil(bytes / body.length);
  const ends = new Array<number>(PARTITIONS).fill(0);
  store.transact((tx) => {
    tx.saveOutputTopic("processed-data");
    tx.moveStorageCursor(1, 0);
    ends.forEach((_, lane) =>
      tx.saveLane({
        lane,
        topicId: "t",
        producerId: BigInt(lane + 1),
        producerEpoch: 0,
        acknowledged: 0,
        end: 0,
        lastOffset: -1,
      })
    );
  });
  for (let id = 1; id <= rows;) {
    store.transact((tx) => {
      for (let left = TRANSACTION_BYTES; left > 0 && id <= rows; left -= body.length, id++) {
        const lane = id % PARTITIONS;
        const row = { id, lane, lanes: PARTITIONS, count, time, baseSequence: ends[lane], body };
        tx.append(row, "output");
        ends[lane] += count;
      }
      tx.moveCheckpoint(id - 1);
    });
  }
  store.close();
  return rows;
}

interface Start {
  readonly "first answer after ms": number;
  readonly "read from disk MiB": number;
  readonly "peak MiB": number;
}

/** From the start of the process to its first answer, and to the first look at what waits. */
async function measureStart(dir: string, cache: "cold" | "warm"): Promise<Start> {
  if (cache === "cold") dropCaches();
  const started = performance.now();
  await using program = await startProgram({
    env: {
      KAFKA_BROKER: "127.0.0.1:9",
      STORAGE_SERVICE_URL: "http://127.0.0.1:9",
      BACKLOG_MAX_BYTES: "1024GiB",
      DATA_DIR: dir,
    },
  });
  const address = await program.ready("/health/live");
  const took = performance.now() - started;
  // By then the sinks have begun.
  await program.line("output topic: failing");
  for (const path of ["/metrics", "/api/stats?limit=1"]) {
    await (await fetch(address + path)).bytes();
  }
  const read = bytesRead(program.pid);
  const { peak } = memory(program.pid);
  await program.kill("SIGKILL");
  return { "first answer after ms": took, "read from disk MiB": read / MIB, "peak MiB": peak };
}

/** From the disk, not from the cache. */
function bytesRead(pid: number): number {
  const io = Deno.readTextFileSync(`/proc/${pid}/io`);
  return Number(/^read_bytes: (\d+)$/m.exec(io)?.[1]);
}

/** False: only root may. */
function dropCaches(): boolean {
  try {
    Deno.writeTextFileSync("/proc/sys/vm/drop_caches", "3");
    return true;
  } catch {
    return false;
  }
}
