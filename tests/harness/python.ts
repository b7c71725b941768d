/** Python's packages, in a virtual environment that is made once a run; `.ci/run` sees to Python itself. */

/** Whether this machine has what it takes; says so where it doesn't. */
export function hasPython(): boolean {
  try {
    const args = ["-c", "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))"];
    const { success } = new Deno.Command("python3", { args, stdout: "null", stderr: "null" })
      .outputSync();
    if (success) return true;
  } catch { /* there is no such program */ }
  console.error(
    "Tests that need Python are skipped: expected python3, 3.10 or later, with venv and pip " +
      "(Debian's package python3-venv).",
  );
  return false;
}

/**
 * A folder with the programs of an environment that has these packages, and no others: `requirements` names
 * every one with its hashes. Throws with pip's own words where they can't be had.
 */
export async function pythonPrograms(
  { name, requirements }: { name: string; requirements: string },
): Promise<string> {
  const run = Deno.env.get("TEST_RUN_DIR");
  if (!run) throw new Error(`Make ${name}: TEST_RUN_DIR is not set; \`deno task test\` sets it`);
  const venv = `${run}/${name}`;
  await runToEnd("python3", ["-m", "venv", venv]);
  const options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes"];
  await runToEnd(`${venv}/bin/python`, ["-m", "pip", "install", ...options, "-r", requirements]);
  return `${venv}/bin`;
}

/** Throws with what it has said where it fails. */
export async function runToEnd(
  command: string,
  args: string[],
  options: { cwd?: string } = {},
): Promise<void> {
  const { success, stdout, stderr } = await new Deno.Command(command, { args, ...options })
    .output();
  if (success) return;
  const said = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("");
  throw new Error(`Run ${command} ${args.join(" ")}: it failed\n${said}`);
}
