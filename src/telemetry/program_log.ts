import type { Log } from "../pipeline/ports.ts";
import { LineWriter } from "./line_writer.ts";
import { createLog, type LogLevel } from "./log.ts";

/** A program that ends waits so long for whoever reads its log. */
const FLUSH_MS = 1_000;

/** The log of this process, on its standard output. */
export interface ProgramLog {
  readonly log: Log;
  /** Before the process ends: waits until everything is written, a second at most. */
  flush(): Promise<void>;
}

/** JSON, or text where a person is looking: with colours unless `NO_COLOR` is set. */
export function openLog(level: LogLevel): ProgramLog {
  const writer = new LineWriter({
    write: (bytes) => Deno.stdout.write(bytes),
    onLost: (lines) => log.warn("log lines were dropped: they aren't read fast enough", { lines }),
  });
  const log = createLog({
    level,
    write: (line) => writer.write(line),
    now: () => Date.now(),
    format: !Deno.stdout.isTerminal() ? "json" : Deno.noColor ? "text" : "colour",
  });
  return { log, flush: () => writer.flush(FLUSH_MS) };
}
