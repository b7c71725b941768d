/** The 89 messages that the old engines were asked with, as records for a topic. */
import type { TestRecord } from "../harness/kafka.ts";

interface Case {
  readonly case: string;
  /** null: a tombstone. `@I@` stands for the message's number, `@PAD@` for `repeat_pad` letters. */
  readonly body?: string | null;
  /** The body's bytes in base64, where they aren't UTF-8. */
  readonly b64?: string;
  readonly times?: number;
  readonly repeat_pad?: number;
  readonly key?: string;
  readonly headers?: readonly (readonly [string, string])[];
}

/** One message of a case; `message` counts from 0. */
export interface Message {
  readonly case: string;
  readonly message: number;
  readonly record: TestRecord;
}

const FILE = new URL("../fixtures/contract/cases.json", import.meta.url);

export async function loadMessages(): Promise<Message[]> {
  const cases: Case[] = JSON.parse(await Deno.readTextFile(FILE));
  return cases.flatMap((one) =>
    Array.from({ length: one.times ?? 1 }, (_, message) => ({
      case: one.case,
      message,
      record: {
        key: one.key,
        headers: Object.fromEntries(one.headers ?? []),
        value: valueOf(one, message),
        partition: 0,
      },
    }))
  );
}

function valueOf(one: Case, message: number): string | Uint8Array | null {
  if (one.b64 !== undefined) return Uint8Array.fromBase64(one.b64);
  const pad = "x".repeat(one.repeat_pad ?? 0);
  return one.body?.replaceAll("@I@", String(message)).replaceAll("@PAD@", pad) ?? null;
}
