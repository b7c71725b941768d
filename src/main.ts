/**
 * Parses the command line and runs one command. Exit codes: see `commands/exit_codes.ts`.
 *
 * The engine has no options (its settings are environment variables), so `plumbline` and
 * `plumbline serve` start it without loading what reads a command line.
 */
async function main(args: readonly string[]): Promise<number> {
  if (args.length === 0 || (args.length === 1 && args[0] === "serve")) {
    const { serve } = await import("./commands/serve.ts");
    return await serve();
  }
  const { runCommandLine } = await import("./commands/command_line.ts");
  return await runCommandLine(args);
}

Deno.exit(await main(Deno.args));
