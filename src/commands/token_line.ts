/** `token` on the command line: what may be written, and what is wrong with everything else. */
import { type Command, InvalidArgumentError } from "../../deps_cli.ts";
import { type Scope, SCOPES } from "../core/token.ts";

const EXAMPLES = `
A token is 256 random bits behind plumb_. It is printed once; its hash goes into the file that
TENANTS_FILE names, which an engine that runs reads again by itself. docs/security.md says what each
scope is for; none includes another. Exit codes: 0 made, 2 wrong command line.

Examples:
  $ plumbline token new --name press-hall --scopes write --tenants acme
  $ plumbline token new --name dashboard                    # reads everybody's data
  $ plumbline token new --name ops --scopes read,admin --json | jq .entry`;

/** Adds `token new`; `ended` is told the exit code. */
export function addTokenCommand(program: Command, ended: (code: number) => void): void {
  const parent = program.command("token")
    .description("make tokens for the HTTP API")
    .addHelpText("after", EXAMPLES);
  parent.command("new").description("make a token: printed once, with its hash for TENANTS_FILE")
    .requiredOption("--name <name>", "for people and for the log, as press-hall", tokenName)
    .option("--scopes <list>", `some of ${SCOPES.join(",")}`, scopeList, ["read"])
    .option("--tenants <list>", "whose data it is for (default: everybody's)", tenantList)
    .option("--json", "as one JSON object: token and entry")
    .addHelpText("after", EXAMPLES)
    .action(async (options) => ended((await import("./token.ts")).newToken(options)));
  for (const command of parent.commands) command.helpOption("-h, --help", "show this");
}

function tokenName(text: string): string {
  if (/^[\w.-]{1,64}$/.test(text)) return text;
  throw new InvalidArgumentError("Expected 1 to 64 letters, digits, _, . or -.");
}

function scopeList(text: string): Scope[] {
  const words = listOf(text);
  const wrong = words.find((word) => !(SCOPES as readonly string[]).includes(word));
  if (wrong === undefined && words.length > 0) return words as Scope[];
  throw new InvalidArgumentError(`Expected some of ${SCOPES.join(", ")}, separated by commas.`);
}

function tenantList(text: string): string[] {
  const names = listOf(text);
  if (names.length > 0) return names;
  throw new InvalidArgumentError("Expected tenants' names, separated by commas.");
}

function listOf(text: string): string[] {
  return [...new Set(text.split(",").map((word) => word.trim()).filter((word) => word !== ""))];
}
