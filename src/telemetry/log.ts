/** Log lines: one JSON object a line, or one line of text for people at a terminal. */
import type { Log } from "../pipeline/ports.ts";
import { plain } from "./plain.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";

export interface LogOptions {
  /** The lowest level that is written. */
  readonly level: LogLevel;
  /** Takes one line without its line break. What it throws is swallowed: a log must not stop work. */
  readonly write: (line: string) => void;
  /** ms since 1970. */
  readonly now: () => number;
  readonly format?: "json" | "text";
}

const order: readonly LogLevel[] = ["debug", "info", "warn", "error"];

/** `time`, `level` and `message` come first; a field of such a name gets an underscore behind it. */
export function createLog(options: LogOptions): Log {
  const lowest = order.indexOf(options.level);
  const line = options.format === "text" ? textLine : jsonLine;

  function at(level: LogLevel) {
    if (order.indexOf(level) < lowest) return () => {};
    return (message: string, fields?: Record<string, unknown>) => {
      try {
        const time = new Date(options.now()).toISOString();
        options.write(line({ time, level, message: String(message) }, fields));
      } catch {
        // Nowhere to say so: the log itself is what fails.
      }
    };
  }

  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

interface Head {
  readonly time: string;
  readonly level: LogLevel;
  readonly message: string;
}

function jsonLine(head: Head, fields: Record<string, unknown> | undefined): string {
  const entries: [string, unknown][] = Object.entries(head);
  for (const [name, value] of Object.entries(fields ?? {})) {
    entries.push([name in head ? `${name}_` : name, plain(value)]);
  }
  // fromEntries and not assignment: a field may be called __proto__.
  return JSON.stringify(Object.fromEntries(entries));
}

function textLine(head: Head, fields: Record<string, unknown> | undefined): string {
  let line = `${head.time} ${head.level.toUpperCase().padEnd(5)} ${oneLine(head.message)}`;
  for (const [name, value] of Object.entries(fields ?? {})) {
    const shown = plain(value);
    const bare = typeof shown === "string" && /^[\w.:/@-]+$/.test(shown);
    line += ` ${oneLine(name)}=${bare ? shown : JSON.stringify(shown)}`;
  }
  return line;
}

/** Control characters are escaped: a reading's content can't forge a line or steer a terminal. */
function oneLine(text: string): string {
  return text.replace(/\p{Cc}/gu, (it) => `\\u${it.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
