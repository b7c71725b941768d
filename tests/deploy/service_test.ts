/** deploy/plumbline.service: by systemd's own checkers, and as `install-service` installs it. */
import assert from "node:assert/strict";
import { exitCodes } from "../../src/commands/exit_codes.ts";
import { runCommand } from "../commands/command.ts";
import { tempFolder } from "../harness/temp.ts";
import { systemdAnalyze } from "./systemd.ts";

const UNIT = new URL("../../deploy/plumbline.service", import.meta.url).pathname;
const unit = Deno.readTextFileSync(UNIT);
/** Tenths: what is left is the network, V8's machine code, the host's file system to be read. */
const EXPOSURE = 15;

/** All of a key's values, in order. */
function values(name: string): string[] {
  return [...unit.matchAll(new RegExp(`^${name}=(.*)$`, "gm"))].map(([, value]) => value);
}

/** What `verify` says of a unit that runs a program which is there. */
async function verify(text: string): Promise<string> {
  using folder = tempFolder();
  const path = `${folder.path}/plumbline.service`;
  Deno.writeTextFileSync(path, text.replace("/usr/bin/plumbline", "/bin/true"));
  const { text: said } = await systemdAnalyze(["verify", "--man=no", path]);
  // Of other units, which this machine may lack.
  return said.split("\n").filter((line) => line.includes("plumbline")).join("\n");
}

Deno.test("systemd has nothing to say against it, and would", async () => {
  assert.equal(await verify(unit), "");
  assert.match(await verify(unit.replace("WatchdogSec=60", "WatchdogSec=soon")), /parse sec value/);
  assert.match(await verify(unit.replace("NoNewPrivileges", "NoPrivileges")), /NoPrivileges/);
});

Deno.test("it is exposed to little", async () => {
  const args = ["security", "--offline=true", "--no-pager", `--threshold=${EXPOSURE}`];
  const { code, text } = await systemdAnalyze([...args, UNIT]);
  assert.equal(code, 0, text);
  using folder = tempFolder();
  const open = `${folder.path}/plumbline.service`;
  Deno.writeTextFileSync(open, unit.replace(/^SystemCallFilter=.*\n/gm, ""));
  assert.notEqual((await systemdAnalyze([...args, open])).code, 0);
});

Deno.test("of the exit codes only 1 is mended by another start", () => {
  assert.deepEqual(values("Restart"), ["on-failure"]);
  const { done, failed, ...others } = exitCodes;
  assert.deepEqual([done, failed], [0, 1]);
  assert.deepEqual(values("RestartPreventExitStatus"), [
    Object.values(others).sort().join(" "),
  ]);
  assert.deepEqual(values("Type"), ["notify"]);
});

Deno.test("it is printed, and installed whole, once, never over another", async () => {
  using folder = tempFolder();
  const program = `${folder.path}/plumbline`;
  const path = `${folder.path}/plumbline.service`;
  assert.deepEqual(await runCommand(["install-service"]), { code: 0, stdout: unit, stderr: "" });
  const args = ["install-service", "--write", "--to", folder.path, "--program", program];
  const missing = await runCommand(args);
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /is no program; put it there, or name it by --program/);
  assert.deepEqual([...Deno.readDirSync(folder.path)], []);

  Deno.writeTextFileSync(program, "#!/bin/sh\n", { mode: 0o755 });
  const written = await runCommand(args);
  assert.deepEqual([written.code, written.stderr], [0, ""]);
  assert.match(written.stdout, /systemctl enable --now plumbline/);
  const installed = unit.replace("=/usr/bin/plumbline ", `=${program} `);
  assert.notEqual(installed, unit);
  assert.equal(Deno.readTextFileSync(path), installed);
  assert.equal(await verify(installed), "");
  assert.match((await runCommand(args)).stdout, /the same to the byte/);

  Deno.writeTextFileSync(path, "[Service]\n");
  const other = await runCommand(args);
  assert.equal(other.code, 1);
  assert.match(other.stderr, /another one; changes of your own belong into/);
  assert.equal(Deno.readTextFileSync(path), "[Service]\n");
  assert.equal((await runCommand([...args, "--force"])).code, 0);
  assert.equal(Deno.readTextFileSync(path), installed);
  const names = [...Deno.readDirSync(folder.path)].map(({ name }) => name).sort();
  assert.deepEqual(names, ["plumbline", "plumbline.service"]);
});

Deno.test("state, cache and settings are where the unit has a place for them", () => {
  const environment = new Map(
    values("Environment").flatMap((it) =>
      it.split(" ").map((one) => one.split("=") as [string, string])
    ),
  );
  assert.equal(environment.get("DATA_DIR"), `/var/lib/${values("StateDirectory")[0]}`);
  assert.equal(environment.get("XDG_CACHE_HOME"), `/var/cache/${values("CacheDirectory")[0]}`);
  const [file] = values("EnvironmentFile");
  assert.equal(file, `-/etc/${values("ConfigurationDirectory")[0]}/plumbline.env`);
});
