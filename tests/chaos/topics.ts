/** The run's topics, read bit by bit. */
import { readTopic } from "../harness/kafka.ts";
import { outputRecord, withLeaders } from "../integration/road.ts";
import type { OutputRecord } from "../oracle/records.ts";
import type { Stage } from "./stage.ts";

/** What came since the last time; `from` is moved on. */
export async function readOn(
  stage: Stage,
  { topic, from }: { topic: string; from: Map<number, number> },
): Promise<OutputRecord[]> {
  const options = { bootstrap: stage.broker.bootstrap, timeoutMs: 120_000, from };
  const records = await withLeaders(() => readTopic(topic, options));
  for (const { partition, offset } of records) {
    from.set(partition, Math.max(from.get(partition) ?? 0, offset + 1));
  }
  return records.map(outputRecord);
}
