/** `plumbline install-service`: the unit for systemd, printed or put in its place. */
import unit from "../../deploy/plumbline.service" with { type: "text" };
import { exitCodes } from "./exit_codes.ts";
import { reasonOf } from "./reason.ts";
import { print } from "./standard_output.ts";

const NAME = "plumbline.service";
const PROGRAM = "/usr/bin/plumbline";

export interface InstallServiceOptions {
  readonly write?: boolean;
  /** Write over another unit of the name. */
  readonly force?: boolean;
  /** An absolute path. */
  readonly program: string;
  /** The folder of units. */
  readonly to: string;
}

/** What keeps it from being installed, with what to do. */
class NotInstalled extends Error {}

/** The exit code. */
export function installService(options: InstallServiceOptions): number {
  const text = unitFor(options.program);
  if (!options.write) {
    print(text);
    return exitCodes.done;
  }
  try {
    console.log(install(text, options));
    return exitCodes.done;
  } catch (error) {
    const reason = error instanceof NotInstalled ? error.message : reasonOf(error);
    console.error(`plumbline: installing the service: ${reason}`);
    return exitCodes.failed;
  }
}

export function unitFor(program: string): string {
  return unit.replace(`ExecStart=${PROGRAM} `, `ExecStart=${program} `);
}

function install(text: string, { program, to, force }: InstallServiceOptions): string {
  if (!isProgram(program)) {
    throw new NotInstalled(`${program} is no program; put it there, or name it by --program`);
  }
  const path = `${to}/${NAME}`;
  const before = textOf(path);
  if (before === text) return `${path} is there already, the same to the byte.`;
  if (before !== undefined && !force) {
    throw new NotInstalled(
      `${path} is there, and another one; changes of your own belong into ${path}.d/*.conf, ` +
        "and --force writes over it",
    );
  }
  // Never half of it.
  const partial = `${path}.partial`;
  Deno.writeTextFileSync(partial, text, { mode: 0o644 });
  Deno.renameSync(partial, path);
  return `${path} is written. Settings belong into /etc/plumbline/plumbline.env; then:
  systemctl daemon-reload
  systemctl enable --now plumbline`;
}

function isProgram(path: string): boolean {
  try {
    const { isFile, mode } = Deno.statSync(path);
    return isFile && ((mode ?? 0) & 0o111) !== 0;
  } catch {
    return false;
  }
}

/** undefined: there is no such file. */
function textOf(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return undefined;
  }
}
