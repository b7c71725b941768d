/** Dead letters as people read them. What they hold came from outside: it can't steer the terminal. */
import { printable } from "../core/reading_reason.ts";
import type { doneJson, headJson, letterJson } from "../http/letter_json.ts";
import { columns } from "./columns.ts";

export type Head = ReturnType<typeof headJson>;
export type Letter = ReturnType<typeof letterJson>;

export interface Page {
  readonly letters: readonly Head[];
  /** Absent for a token that is limited to tenants. */
  readonly kept?: number;
  readonly kept_bytes?: number;
  readonly next?: number;
}

export interface Done extends Partial<ReturnType<typeof doneJson>> {
  readonly message?: string;
  readonly matched: number;
}

export function listText({ letters, kept, next }: Page): string {
  const end = next === undefined ? "" : `; those after: --after ${next}`;
  const of = kept === undefined ? "" : ` of ${kept}`;
  const count = `${letters.length}${of} dead letters${end}`;
  return letters.length === 0 ? count : `${tableOf(letters)}\n\n${count}`;
}

export function letterText(letter: Letter): string {
  const { value, encoding, ...head } = letter;
  const rows = Object.entries(head).flatMap(([name, field]) =>
    field === null ? [] : [[name, printable(String(field))]]
  );
  const bytes = value === null
    ? "(a tombstone: no bytes)"
    : `${encoding === "base64" ? "in base64:\n" : ""}${visible(value)}`;
  return `${columns(rows)}\n\n${bytes}`;
}

export function doneText(done: Done, verb: "replay" | "discard"): string {
  const { matched, examples = [], marked = 0, left = 0, rejected_again: again = 0 } = done;
  const lines: string[] = [];
  if (done.dry_run) {
    lines.push(`${verb} would find ${letters(matched)}; nothing was done`);
    if (examples.length > 0) lines.push("", tableOf(examples), "");
  } else if (marked > 0) {
    lines.push(`${letters(marked)} marked: the engine's next start replays them`);
  } else {
    const count = (verb === "replay" ? done.replayed : done.discarded) ?? 0;
    lines.push(`${letters(count)} ${verb === "replay" ? "replayed" : "discarded"}`);
  }
  if (again > 0) lines.push(`${again} of them rejected again, under new numbers`);
  if (left > 0) lines.push(`${left} ${done.dry_run ? "would stay" : "stay"}: ${done.left_because}`);
  if (done.message !== undefined) lines.push(done.message);
  return lines.join("\n");
}

function letters(count: number): string {
  return count === 1 ? "1 dead letter" : `${count} dead letters`;
}

function tableOf(heads: readonly Head[]): string {
  const rows = heads.map((it) =>
    [it.number, it.kept_at, it.sink, it.tenant_id ?? "-", it.id, it.size ?? "-", it.reason]
      .map((cell) => printable(String(cell)))
  );
  return columns([["number", "kept at", "sink", "tenant", "id", "bytes", "reason"], ...rows]);
}

/** Line breaks and tabs stay. */
function visible(text: string): string {
  return text.replace(
    /[^\P{Cc}\n\t]/gu,
    (it) => `\\u${it.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
