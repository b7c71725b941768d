/** `plumbline doctor`: a report that somebody can work with, and that has no secrets. */
import assert from "node:assert/strict";
import { reportText } from "../../src/commands/doctor.ts";
import { networkFileSystems, probePath } from "../../src/store/path_probe.ts";
import { freePort } from "../../tools/ports.ts";
import { startProgram } from "../harness/process.ts";
import { tempFolder } from "../harness/temp.ts";
import { runCommand } from "./command.ts";

async function doctor(env: Record<string, string>) {
  const { code, stdout, stderr } = await runCommand(["doctor", "--json", "--timeout", "3"], env);
  assert.equal(stderr, "");
  return { code, report: JSON.parse(stdout), stdout };
}

Deno.test("beside an engine: versions, machine, limits, paths, settings, and all is well", async () => {
  using folder = tempFolder();
  const tenants = `${folder.path}/tenants.json`;
  Deno.writeTextFileSync(tenants, "{}");
  Deno.chmodSync(tenants, 0o640);
  const env = {
    KAFKA_ENABLED: "false",
    DATA_DIR: `${folder.path}/data`,
    TENANTS_FILE: tenants,
    METRICS_PORT: String(await freePort()),
  };
  await using engine = await startProgram({ env });
  await engine.ready();
  const files = [...Deno.readDirSync(env.DATA_DIR)].map(({ name }) => name).sort();
  const { code, report } = await doctor(env);
  assert.deepEqual([code, report.ok, report.faults], [0, true, []], JSON.stringify(report));
  assert.deepEqual([...Deno.readDirSync(env.DATA_DIR)].map(({ name }) => name).sort(), files);
  const { version } = JSON.parse(
    Deno.readTextFileSync(new URL("../../deno.json", import.meta.url)),
  );
  assert.equal(report.versions.plumbline, version);
  assert.equal(report.versions.deno, Deno.version.deno);
  assert.match(report.versions.sqlite, /^3\.\d+\.\d+$/);
  assert.equal(report.machine.memory.total, Deno.systemMemoryInfo().total);
  assert.deepEqual(report.machine.user, { uid: Deno.uid(), gid: Deno.gid() });
  const path = (name: string) => report.paths.find((it: { name: string }) => it.name === name);
  assert.equal(path("TENANTS_FILE").facts.mode, "rw-r-----");
  assert.equal(path("DATA_DIR").facts.kind, "folder");
  assert.deepEqual(
    report.settings.map(({ name }: { name: string }) => name).sort(),
    Object.keys(env).sort(),
  );
  const line = (part: string) =>
    report.connections.find((it: { part: string }) => it.part === part).text;
  assert.match(line("data folder"), /an engine uses it/);
  assert.match(line("disk"), /^a write is on the disk after \d+\.\d ms/);
  const text = reportText(report);
  assert.match(text, /^ok {2}DATA_DIR +\/.*: rwx.{6}, \d+:\d+, on \S+$/m);
  assert.match(text, /^memory +\S+ GiB of \S+ GiB available$/m);
});

Deno.test("what is wrong is told with what to do, and no secret is in it", async () => {
  using folder = tempFolder();
  Deno.writeTextFileSync(`${folder.path}/file`, "");
  const secrets = ["hush-hush-4711", "basic-4712", "query-4713"];
  const env = {
    DATA_DIR: `${folder.path}/file`,
    KAFKA_BROKER: "127.0.0.1:1",
    KAFKA_SECURITY_PROTOCOL: "SASL_PLAINTEXT",
    KAFKA_SASL_MECHANISM: "PLAIN",
    KAFKA_SASL_USERNAME: "somebody",
    KAFKA_SASL_PASSWORD: secrets[0],
  };
  const wrong = await doctor(env);
  assert.deepEqual([wrong.code, wrong.report.ok], [1, false], wrong.stdout);
  const [dataDir] = wrong.report.paths;
  assert.deepEqual([dataDir.ok, dataDir.todo], [false, "it has to be a folder"]);
  const broker = wrong.report.connections.find(({ part }: { part: string }) => part === "broker");
  assert.match(broker.todo, /see that the broker runs/);

  const faulty = await doctor({
    ...env,
    STORAGE_SERVICE_URL: `http://user:${secrets[1]}@storage/?token=${secrets[2]}`,
    TENANTS_FILE: `${folder.path}/missing.json`,
  });
  assert.deepEqual([faulty.code, faulty.report.connections], [2, undefined]);
  assert.ok(faulty.report.faults.length >= 2, faulty.stdout);
  const missing = faulty.report.paths.find(({ name }: { name: string }) => name === "TENANTS_FILE");
  assert.deepEqual([missing.ok, missing.todo], [false, "there is no such file"]);
  const text = await runCommand(["doctor"], { ...env, STORAGE_SERVICE_URL: "ftp://x" });
  assert.match(text.stdout, /^The settings are wrong:\n {2}STORAGE_SERVICE_URL/m);
  for (const { stdout } of [wrong, faulty, text]) {
    for (const secret of secrets) assert.ok(!stdout.includes(secret), stdout);
  }
});

Deno.test("a path's owner, permissions and file system are those that stat tells", async () => {
  using folder = tempFolder();
  const path = `${folder.path}/file`;
  Deno.writeTextFileSync(path, "");
  for (const [mode, text] of [[0o600, "rw-------"], [0o751, "rwxr-x--x"]] as const) {
    Deno.chmodSync(path, mode);
    assert.equal(probePath(path)!.mode, text);
  }
  const { stdout } = await new Deno.Command("stat", { args: ["-f", "-c", "%t", path] }).output();
  const { fileSystem } = probePath(path)!;
  const number = Number(`0x${new TextDecoder().decode(stdout).trim()}`);
  const named = new Map([[0xef53, "ext4"], [0x58465342, "xfs"], [0x794c7630, "overlay"]]);
  assert.equal(fileSystem, named.get(number) ?? fileSystem);
  assert.equal(probePath("/proc")!.fileSystem, "0x9fa0");
  assert.equal(probePath(`${path}-missing`), undefined);
  assert.ok(networkFileSystems.has("nfs"));
});
