import type { Log } from "../pipeline/ports.ts";

const EVERY_MS = 60_000;

/**
 * A log for what may happen a thousand times a second: the same message is told once a minute, with the
 * number of times that it wasn't (`more`). Those are debug lines. Messages have to be few and fixed;
 * what varies belongs into the fields.
 */
export function seldom(
  log: Log,
  { now, everyMs = EVERY_MS }: { now: () => number; everyMs?: number },
): Log {
  const told = new Map<string, { at: number; more: number }>();

  function at(level: "info" | "warn" | "error") {
    return (message: string, fields?: Record<string, unknown>) => {
      const last = told.get(message);
      const time = now();
      // A clock that was set back must not silence it.
      if (last !== undefined && Math.abs(time - last.at) < everyMs) {
        last.more++;
        return log.debug(message, fields);
      }
      told.set(message, { at: time, more: 0 });
      log[level](
        message,
        last === undefined || last.more === 0 ? fields : { ...fields, more: last.more },
      );
    };
  }

  return {
    debug: (message, fields) => log.debug(message, fields),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
  };
}
