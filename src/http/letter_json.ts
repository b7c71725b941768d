/** Dead letters as JSON: what the API answers, and the command line with `--json`. */
import type { DeadLetter, LetterHead, LettersDone } from "../pipeline/ports.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A letter without its bytes. */
export function headJson(letter: LetterHead) {
  const { topic, partition, offset } = letter;
  const fromKafka = topic !== "";
  return {
    number: letter.sequence,
    id: letter.id,
    sink: letter.sink === "" ? "input" : letter.sink,
    tenant_id: letter.tenant,
    reason: letter.reason,
    time: new Date(letter.time).toISOString(),
    kept_at: new Date(letter.storedAt).toISOString(),
    topic: fromKafka ? topic : null,
    partition: fromKafka ? partition : null,
    offset: fromKafka ? offset : null,
    status: letter.status,
    answer: letter.answer,
    attempts: letter.attempts,
    size: letter.size,
  };
}

/** With its bytes: as text where they are UTF-8, in base64 otherwise; both null for a tombstone. */
export function letterJson(letter: DeadLetter) {
  const { bytes, ...rest } = letter;
  const head = headJson({ ...rest, size: bytes === null ? null : bytes.length });
  if (bytes === null) return { ...head, encoding: null, value: null };
  const text = textOf(bytes);
  return text === undefined
    ? { ...head, encoding: "base64", value: bytes.toBase64() }
    : { ...head, encoding: "utf-8", value: text };
}

/** What came of a replay or of discarding; undefined members don't belong to it. */
export function doneJson(
  done: LettersDone,
  { dryRun, verb }: { dryRun: boolean; verb: "replayed" | "discarded" },
) {
  const replays = verb === "replayed";
  return {
    dry_run: dryRun,
    matched: done.matched,
    replayed: replays ? done.done : undefined,
    discarded: replays ? undefined : done.done,
    rejected_again: replays ? done.rejected : undefined,
    marked: done.marked > 0 ? done.marked : undefined,
    left: replays ? done.left : undefined,
    left_because: done.reason,
    examples: dryRun ? done.examples.map(headJson) : undefined,
  };
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}
