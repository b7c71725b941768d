import { Buffer } from "node:buffer";
import { kafka } from "../../deps.ts";
import type { JournalRow } from "../pipeline/ports.ts";

const PRODUCE = 0;
const VERSION = 9;
const ALL_REPLICAS = -1;
/** How long the broker waits for the other replicas; below the connection's own timeout, so that the broker's answer comes first. */
const REPLICATION_TIMEOUT_MS = 20_000;

/** What the broker says about one partition's batch. */
export interface BatchAnswer {
  readonly partition: number;
  /** Kafka's error code; 0: appended. */
  readonly error: number;
  /** Offset of the batch's first record; -1 where it isn't known. */
  readonly baseOffset: number;
  readonly message: string;
}

/**
 * Sends sealed rows, at most one for each partition, as one Produce request. The rows' bytes are
 * copied before this returns: they may be sealed anew at once. Calls back exactly once; an error means
 * that nothing is known of any of them.
 */
export function produce(
  connection: kafka.Connection,
  topic: string,
  { rows, done }: {
    rows: readonly JournalRow[];
    done: (error: Error | null, answers?: BatchAnswer[]) => void;
  },
): void {
  connection.send<BatchAnswer[]>(
    PRODUCE,
    VERSION,
    () => encodeProduce(topic, rows),
    (_correlation, _key, _version, reader) => decodeProduce(reader),
    true,
    true,
    done,
  );
}

/*
  Produce Request (Version: 9) => transactional_id acks timeout_ms [topic_data] TAG_BUFFER
    topic_data => name [partition_data] TAG_BUFFER
      partition_data => index records TAG_BUFFER
  Lengths of compact arrays, strings and records are stored plus one.
*/
export function encodeProduce(topic: string, rows: readonly JournalRow[]): kafka.Writer {
  const writer = kafka.Writer.create()
    .appendString(null)
    .appendInt16(ALL_REPLICAS)
    .appendInt32(REPLICATION_TIMEOUT_MS)
    .appendUnsignedVarInt(1 + 1)
    .appendString(topic)
    .appendUnsignedVarInt(rows.length + 1);
  for (const { lane, body } of rows) {
    writer
      .appendInt32(lane)
      .appendUnsignedVarInt(body.byteLength + 1)
      .append(Buffer.from(body.buffer, body.byteOffset, body.byteLength))
      .appendTaggedFields();
  }
  return writer.appendTaggedFields().appendTaggedFields();
}

/*
  Produce Response (Version: 9) => [responses] throttle_time_ms TAG_BUFFER
    responses => name [partition_responses] TAG_BUFFER
      partition_responses => index error_code base_offset log_append_time_ms log_start_offset
                             [record_errors] error_message TAG_BUFFER
        record_errors => batch_index batch_index_error_message TAG_BUFFER
*/
export function decodeProduce(reader: kafka.Reader): BatchAnswer[] {
  const answers: BatchAnswer[] = [];
  reader.readArray(
    () => {
      reader.readString();
      reader.readArray(
        () => answers.push(decodePartition(reader)),
        true,
        false,
      );
      reader.readTaggedFields();
    },
    true,
    false,
  );
  return answers;
}

function decodePartition(reader: kafka.Reader): BatchAnswer {
  const partition = reader.readInt32();
  const error = reader.readInt16();
  const baseOffset = Number(reader.readInt64());
  reader.readInt64();
  reader.readInt64();
  const details: (string | null)[] = [];
  reader.readArray(
    () => {
      reader.readInt32();
      details.push(reader.readNullableString());
      reader.readTaggedFields();
    },
    true,
    false,
  );
  const message = reader.readNullableString() ?? details.find((detail) => detail) ?? "";
  reader.readTaggedFields();
  return { partition, error, baseOffset, message };
}

/** A broker's error code with its name: `NOT_LEADER_OR_FOLLOWER (6)`. */
export function errorName(code: number): string {
  const names: Record<number, string> = kafka.protocolErrorsCodesById;
  return `${names[code] ?? "unknown error"} (${code})`;
}
