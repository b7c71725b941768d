/** Log lines by pino: one JSON object a line, or a line of text for people at a terminal. */
import { pino } from "../../deps.ts";
import type { Log } from "../pipeline/ports.ts";
import { plain } from "./plain.ts";
import { textOf } from "./text.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";

export interface LogOptions {
  /** The lowest level that is written. */
  readonly level: LogLevel;
  /** Takes one line with its line break. What it throws is swallowed: a log must not stop work. */
  readonly write: (line: string) => void;
  /** ms since 1970. */
  readonly now: () => number;
  /** Default: `json`. `colour` is `text` with the terminal's colours. */
  readonly format?: "json" | "text" | "colour";
}

/** A line's own names: a field of such a name gets an underscore behind it. */
const OWN = ["level", "time", "message"];

export function createLog(options: LogOptions): Log {
  const { level, write, now, format = "json" } = options;
  const logger = pino({
    level,
    base: null,
    timestamp: () => `,"time":"${new Date(now()).toISOString()}"`,
    formatters: { level: (label) => ({ level: label }) },
  }, {
    write: format === "json" ? write : (line) => write(textOf(JSON.parse(line), format)),
  });

  function at(level: LogLevel) {
    return (message: string, fields: Record<string, unknown> = {}) => {
      try {
        if (!logger.isLevelEnabled(level)) return;
        // As a field, so that it stands before the others.
        logger[level](Object.fromEntries([["message", String(message)], ...shown(fields)]));
      } catch {
        // Nowhere to say so: the log itself is what fails.
      }
    };
  }

  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

/** pino itself shows no error but one called `err`, no bytes, and bigints as numbers that JSON cuts. */
function shown(fields: Record<string, unknown>): [string, unknown][] {
  return Object.entries(fields).map((
    [name, value],
  ) => [OWN.includes(name) ? `${name}_` : name, plain(value)]);
}
