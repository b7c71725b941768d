/** The files that settings are read from. */
import type { Environment } from "./setting_value.ts";
import { settingValue } from "./setting_value.ts";
import { settings } from "./settings.ts";

export interface Files {
  /** Throws where it can't. */
  read(path: string): string;
  /** A file's text as a value; what is wrong with it goes to `report`. */
  parse(text: string, report: (message: string) => void): unknown;
}

export interface WatchedFiles extends Files {
  /** Another text whenever the file may have changed; undefined: it can't be looked at. */
  stamp(path: string): string | undefined;
}

/** The parser is loaded only where these settings name a file. */
export async function openFiles(env: Environment): Promise<WatchedFiles> {
  const path = settingValue(settings.tenantsFile, env);
  const named = "fault" in path || path.value !== "";
  const { parseDocumentText } = named ? await import("./document.ts") : { parseDocumentText: none };
  return { read: (path) => Deno.readTextFileSync(path), stamp, parse: parseDocumentText };
}

function stamp(path: string): string | undefined {
  try {
    const { ino, mtime, size } = Deno.statSync(path);
    return [ino, mtime?.getTime(), size].join(" ");
  } catch {
    return undefined;
  }
}

function none(): never {
  throw new Error("reading a settings file: no setting names one");
}
