/**
 * What `plumbline serve` may touch: the network (its API, brokers, the storage service), its data
 * folder, the files named to it, and the packages in Deno's cache, two of which bring native code.
 */
export async function servePermissions(env: Record<string, string>): Promise<string[]> {
  const packages = await packageFolder();
  const data = env.DATA_DIR || "./data";
  const read = [data, packages, "/proc/self", "/usr/bin/ldd"];
  if (env.TENANTS_FILE) read.push(env.TENANTS_FILE);
  return [
    ...["--no-prompt", "--allow-net", "--allow-env", "--allow-sys"],
    ...[`--allow-read=${list(read)}`, `--allow-write=${list([data])}`],
    `--allow-ffi=${list([packages])}`,
  ];
}

/** Commas separate paths in Deno's flags; one inside a path is written twice. */
function list(paths: string[]): string {
  return paths.map((path) => path.replaceAll(",", ",,")).join(",");
}

async function packageFolder(): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
  return JSON.parse(new TextDecoder().decode(stdout)).npmCache;
}
