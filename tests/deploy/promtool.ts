/** Prometheus' own checker, from Debian's package `prometheus`. */

/** What it says, with its exit code. Throws, with what to do, where it isn't there. */
export async function promtool(
  args: readonly string[],
  stdin = "",
): Promise<{ code: number; text: string }> {
  let child: Deno.ChildProcess;
  try {
    child = new Deno.Command("promtool", {
      args: [...args],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Error(
      "Checking the alert rules: promtool isn't installed; it is in Debian's package prometheus " +
        "(apt-get install --no-install-recommends prometheus), or in Prometheus' own release",
    );
  }
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(stdin)).catch(() => {});
  await writer.close().catch(() => {});
  const { code, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return { code, text: decoder.decode(stdout) + decoder.decode(stderr) };
}
