/** systemd's own checkers, from Debian's package `systemd`. */

/** What `systemd-analyze` says, with its exit code. Throws, with what to do, where it isn't there. */
export async function systemdAnalyze(
  args: readonly string[],
): Promise<{ code: number; text: string }> {
  try {
    const { code, stdout, stderr } = await new Deno.Command("systemd-analyze", {
      args: [...args],
      env: { LC_ALL: "C", SYSTEMD_PAGER: "", SYSTEMD_COLORS: "0" },
    }).output();
    const decoder = new TextDecoder();
    return { code, text: decoder.decode(stdout) + decoder.decode(stderr) };
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Error(
      "Checking the unit: systemd-analyze isn't installed; it is in Debian's package systemd " +
        "(apt-get install --no-install-recommends systemd)",
    );
  }
}
