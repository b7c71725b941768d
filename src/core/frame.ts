import { varint } from "./reframe.ts";
import { RECORDS_START } from "./record.ts";

/** A result as it stands in a record of the journal, from outside of it. */
export interface LooseResult {
  readonly device: string;
  readonly id: string;
  readonly tenant: string;
  /** Its JSON text. */
  readonly value: Uint8Array;
}

const encoder = new TextEncoder();

/** A journal row's body with these results, in the format of `record.ts`. For few: it isn't made for speed. */
export function frameResults(results: readonly LooseResult[]): Uint8Array {
  const records = results.map(recordOf);
  const body = new Uint8Array(records.reduce((sum, { length }) => sum + length, RECORDS_START));
  let at = RECORDS_START;
  for (const record of records) {
    body.set(record, at);
    at += record.length;
  }
  return body;
}

function recordOf({ device, id, tenant, value }: LooseResult, number: number): Uint8Array {
  const parts = [
    // attributes, timestamp delta
    Uint8Array.of(0, 0, ...varint(number)),
    ...sized(encoder.encode(device)),
    ...sized(value),
    Uint8Array.from(varint(2)),
    ...["id", id, "tenant_id", tenant].flatMap((text) => sized(encoder.encode(text))),
  ];
  return joined(sized(joined(parts)));
}

function sized(bytes: Uint8Array): Uint8Array[] {
  return [Uint8Array.from(varint(bytes.length)), bytes];
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
