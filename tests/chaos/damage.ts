/** Ways in which a database goes bad between a kill and a start. */
import Database from "better-sqlite3";

export const DAMAGE_KINDS = [
  "file cut in half",
  "first page garbage",
  "garbage in ten places",
  "file emptied",
  "end of the write-ahead log lost",
] as const;

export type DamageKind = typeof DAMAGE_KINDS[number];

const BLOCK = 4096;

/** `path`: the database; nobody may have it open. */
export function damageFile(
  path: string,
  { kind, random }: { kind: DamageKind; random: () => number },
): void {
  if (kind === "end of the write-ahead log lost") {
    const log = `${path}-wal`;
    return Deno.truncateSync(log, Math.floor(Deno.statSync(log).size * random()));
  }
  // Else the log would write over the damage what it has.
  const database = new Database(path);
  database.pragma("wal_checkpoint(TRUNCATE)");
  database.close();
  const { size } = Deno.statSync(path);
  const garble = (from: number) => {
    using file = Deno.openSync(path, { write: true });
    file.seekSync(from, Deno.SeekMode.Start);
    file.writeSync(Uint8Array.from({ length: BLOCK }, () => random() * 256));
  };
  switch (kind) {
    case "file cut in half":
      return Deno.truncateSync(path, Math.floor(size / 2));
    case "file emptied":
      return Deno.truncateSync(path, 0);
    case "first page garbage":
      return garble(0);
    case "garbage in ten places":
      for (let i = 0; i < 10; i++) garble(BLOCK * Math.floor(random() * size / BLOCK));
  }
}
