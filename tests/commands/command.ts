/** Runs a command of the program to its end, as a process of its own. */
import { startProgram } from "../harness/process.ts";

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export async function runCommand(
  args: string[],
  env: Record<string, string> = {},
): Promise<Outcome> {
  await using program = await startProgram({ args, env });
  const { code } = await program.exited;
  return { code, stdout: program.stdout, stderr: program.stderr };
}

/** Every file of a folder: name, time of its last change, and a digest of its bytes. */
export async function fingerprint(dir: string): Promise<string[]> {
  const files: string[] = [];
  for (const { name } of Deno.readDirSync(dir)) {
    const path = `${dir}/${name}`;
    const digest = await crypto.subtle.digest("SHA-256", Deno.readFileSync(path));
    const { mtime } = Deno.statSync(path);
    files.push(`${name} ${mtime!.getTime()} ${new Uint8Array(digest).toHex()}`);
  }
  return files.sort();
}
