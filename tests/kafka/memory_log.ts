import type { Log } from "../../src/pipeline/ports.ts";

export interface LogLine {
  level: "debug" | "info" | "warn" | "error";
  message: string;
  fields?: Record<string, unknown>;
}

export function memoryLog(lines: LogLine[], seen: () => void = () => {}): Log {
  const at = (level: LogLine["level"]) => (message: string, fields?: Record<string, unknown>) => {
    lines.push({ level, message, fields });
    seen();
  };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}
