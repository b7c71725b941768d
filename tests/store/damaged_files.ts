/** Ways in which a file goes bad, and a store's contents to compare. */
import { open } from "./samples.ts";

/** Overwrites bytes of a file, beyond any cache of SQLite's. */
export function overwrite(path: string, at: { from: number; bytes: Uint8Array }): void {
  using file = Deno.openSync(path, { write: true });
  file.seekSync(at.from, Deno.SeekMode.Start);
  file.writeSync(at.bytes);
}

/** Bytes that are nothing; the same ones for the same seed. */
export function garbage(length: number, seed = 1): Uint8Array {
  let state = seed;
  return Uint8Array.from(
    { length },
    () => (state = (state * 1103515245 + 12345) & 0x7fffffff) >> 16,
  );
}

export function copyFolder(from: string, to: string): void {
  Deno.mkdirSync(to, { recursive: true });
  for (const { name } of Deno.readDirSync(from)) {
    if (name !== "plumbline.lock") Deno.copyFileSync(`${from}/${name}`, `${to}/${name}`);
  }
}

export function setAside(dir: string): string[] {
  return [...Deno.readDirSync(dir)].map(({ name }) => name)
    .filter((name) => name.startsWith("plumbline.db.damaged.")).sort();
}

/** Everything that a reader can find. */
export function contents(store: ReturnType<typeof open>) {
  return {
    folderId: store.positions.folderId,
    counters: store.counters(),
    lastId: store.journal.lastId(),
    checkpoint: store.journal.checkpoint(),
    lanes: store.journal.lanes(),
    cursor: store.journal.storageCursor(),
    global: store.devices.loadGlobal(),
    rows: store.journal.resultRows(0, Infinity),
    devices: store.devices.page({ limit: 1e6 }).map(({ tenant, device }) =>
      store.devices.load(tenant, device)!
    ),
    letters: store.deadLetters({ limit: 1e6 }),
    anomalies: store.anomalies.page({ limit: 1e6, filter: {} }).anomalies,
  };
}
