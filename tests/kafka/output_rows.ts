/** Journal rows made by hand, byte by byte from Kafka's protocol guide: no code of the program is used. */
import type { JournalRow } from "../../src/pipeline/ports.ts";

export interface PlainRecord {
  /** null: none, which a compacted topic refuses. */
  key: string | null;
  value: string;
  id: string;
  tenant: string;
}

const HEADER_BYTES = 61;

const encoder = new TextEncoder();

/** The numbered record of a lane: says where it belongs, and is `bytes` long or a little more. */
export function numbered(lane: number, n: number, bytes = 100): PlainRecord {
  const value = JSON.stringify({ lane, n, pad: "" });
  return {
    key: `device-${lane}`,
    value: value.replace(`""`, `"${"x".repeat(Math.max(0, bytes - value.length))}"`),
    id: `readings-${lane}-${n}`,
    tenant: "tenant1",
  };
}

export function rowOf(
  records: readonly PlainRecord[],
  row: { id: number; lane: number; lanes: number; time: number; baseSequence: number },
): JournalRow {
  const bytes: number[] = new Array(HEADER_BYTES).fill(0xaa); // what stood there before must not matter
  records.forEach((record, i) => {
    const body = recordBytes(record, i);
    pushVarint(bytes, body.length);
    for (const byte of body) bytes.push(byte);
  });
  return { ...row, count: records.length, body: Uint8Array.from(bytes) };
}

function recordBytes({ key, value, id, tenant }: PlainRecord, offsetDelta: number): number[] {
  const bytes: number[] = [0]; // attributes
  pushVarint(bytes, 0); // timestamp delta
  pushVarint(bytes, offsetDelta);
  if (key === null) pushVarint(bytes, -1);
  else pushText(bytes, key);
  pushText(bytes, value);
  pushVarint(bytes, 2); // headers
  pushText(bytes, "id");
  pushText(bytes, id);
  pushText(bytes, "tenant_id");
  pushText(bytes, tenant);
  return bytes;
}

function pushText(bytes: number[], text: string): void {
  const encoded = encoder.encode(text);
  pushVarint(bytes, encoded.length);
  for (const byte of encoded) bytes.push(byte);
}

/** Zigzag, seven bits a byte, the lowest first. */
function pushVarint(bytes: number[], value: number): void {
  let rest = value < 0 ? -value * 2 - 1 : value * 2;
  while (rest > 127) {
    bytes.push(rest % 128 + 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
}
