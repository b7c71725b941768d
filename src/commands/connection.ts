/** One line of `check --connect`: a part that was looked at, and what came of it. */
import { printable } from "../core/reading_reason.ts";
import { reasonOf as kafkaReason } from "../kafka/outage.ts";
import { columns } from "./columns.ts";
import { reasonOf } from "./reason.ts";

export interface Connection {
  readonly part: string;
  readonly ok: boolean;
  /** What was found. */
  readonly text: string;
  /** What to do about it; only where something is wrong. */
  readonly todo?: string;
}

/** What one look has found; `todo`: something is wrong. */
export interface Found {
  readonly text: string;
  readonly todo?: string;
}

export interface Look {
  readonly part: string;
  /** Aborted when its time is over. */
  readonly work: (signal: AbortSignal) => Promise<Found> | Found;
  /** What to do where it throws. */
  readonly todo: (reason: string) => string;
  /** Its errors are those of Kafka's library. */
  readonly isKafka?: boolean;
}

/** Never rejects and takes no longer than it may: what goes wrong is what was found. */
export async function look({ part, work, todo, isKafka }: Look, ms: number): Promise<Connection> {
  const late = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      late.abort();
      reject(new Error(`no answer within ${ms / 1000} s`));
    }, ms);
  });
  try {
    const { text, todo } = await Promise.race([work(late.signal), timeout]);
    return { part, ok: todo === undefined, text: printable(text), ...(todo && { todo }) };
  } catch (error) {
    const reason = isKafka ? kafkaReason(error) : reasonOf(error);
    return { part, ok: false, text: printable(reason), todo: todo(reason) };
  } finally {
    clearTimeout(timer);
  }
}

export function connectionsText(connections: readonly Connection[]): string {
  return columns(connections.map(({ part, ok, text, todo }) => [
    ok ? "ok" : "WRONG",
    part,
    todo === undefined ? text : `${text}; ${todo}`,
  ]));
}
