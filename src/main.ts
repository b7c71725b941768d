/** Parses the command line and runs one command. Exit codes: see `commands/exit_codes.ts`. */
import { serve } from "./commands/serve.ts";
import { exitCodes } from "./commands/exit_codes.ts";

const USAGE = `plumbline [command]

Commands:
  serve      run the engine (the default)

Options:
  --help     show this
  --version  show the version

Settings are environment variables: see the README.`;

const [command = "serve", ...rest] = Deno.args;
if (command === "--help" || rest.includes("--help")) {
  console.log(USAGE);
} else if (command === "--version") {
  const { version } = await import("./version.ts");
  console.log(`plumbline ${version}`);
} else if (command === "serve" && rest.length === 0) {
  Deno.exit(await serve());
} else {
  console.error(
    `plumbline: unknown ${rest.length > 0 && command === "serve" ? "option" : "command"}: ` +
      `${command === "serve" ? rest.join(" ") : command}\n\n${USAGE}`,
  );
  Deno.exit(exitCodes.usage);
}
