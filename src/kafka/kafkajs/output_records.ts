/** A journal row as kafkajs' producer takes it. */
import { Buffer } from "node:buffer";
import type { kafkajs } from "../../../deps_kafkajs.ts";
import { RecordReader } from "../../core/record.ts";
import type { JournalRow } from "../../pipeline/ports.ts";
import { NO_TIMESTAMP } from "../seal.ts";

/** The row's records, in order, as views of its bytes; without a time of their own where `untimed`. */
export function messagesOf(
  row: JournalRow,
  { untimed = false }: { untimed?: boolean } = {},
): kafkajs.Message[] {
  const { buffer, byteOffset } = row.body;
  const bytes = (start: number, end: number) =>
    Buffer.from(buffer, byteOffset + start, end - start);
  const timestamp = String(untimed ? NO_TIMESTAMP : row.time);
  const messages: kafkajs.Message[] = [];
  const records = new RecordReader(row);
  while (records.next()) {
    messages.push({
      key: bytes(records.keyStart, records.keyEnd),
      value: bytes(records.valueStart, records.valueEnd),
      headers: {
        id: bytes(records.idStart, records.idEnd),
        tenant_id: bytes(records.tenantStart, records.tenantEnd),
      },
      partition: row.lane,
      timestamp,
    });
  }
  return messages;
}
