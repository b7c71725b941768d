/**
 * The second door for third-party packages: those that only the command line needs. They stand apart
 * from `deps.ts` so that the engine starts without loading them.
 */
export { Argument, Command, CommanderError, InvalidArgumentError, Option } from "commander";
// @ts-types="@types/cli-progress"
export * as cliProgress from "cli-progress";
