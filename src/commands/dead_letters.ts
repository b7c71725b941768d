import { ConfigFaults } from "../config/faults.ts";
import {
  type Done,
  doneText,
  type Letter,
  letterText,
  listText,
  type Page,
} from "./dead_letter_text.ts";
import { type Asked, byAddress, NoAnswer } from "./dead_letter_place.ts";
import { exitCodes } from "./exit_codes.ts";

export interface DeadLettersOptions {
  readonly numbers?: readonly number[];
  readonly sink?: string;
  readonly reason?: string;
  readonly tenant?: string;
  readonly id?: string;
  /** ms since 1970. */
  readonly since?: number;
  readonly until?: number;
  readonly all?: boolean;
  readonly dryRun?: boolean;
  readonly limit?: number;
  readonly after?: number;
  readonly url?: string;
  readonly atRest?: boolean;
  readonly json?: boolean;
}

const LARGEST_PAGE = 1000;

/** Wrong on the command line, in words. */
class WrongUsage extends Error {}

/** Does it, prints what came of it; the exit code. */
export async function deadLetters(
  verb: "list" | "show" | "replay" | "discard",
  options: DeadLettersOptions,
): Promise<number> {
  try {
    const selection = verb === "replay" || verb === "discard" ? selectionOf(options) : undefined;
    if (options.atRest && options.url !== undefined) {
      throw new WrongUsage("--at-rest and --url: expected one of the two");
    }
    using place = options.atRest
      ? (await import("./dead_letter_folder.ts")).atRest(Deno.env.toObject())
      : byAddress(options.url);
    if (verb === "list") return await list(place, options);
    if (verb === "show") return await show(place, options);
    return await change(place, { verb, selection, options });
  } catch (error) {
    const code = exitCodeOf(error);
    if (code === undefined) throw error;
    console.error(`plumbline: ${(error as Error).message}`);
    return code;
  }
}

async function list(place: Asked, options: DeadLettersOptions): Promise<number> {
  const { limit = 100, json } = options;
  let page: Page = { letters: [] };
  let after = options.after;
  do {
    const size = Math.min(LARGEST_PAGE, limit - page.letters.length);
    const query = new URLSearchParams(
      Object.entries({ ...filterOf(options), limit: size, after })
        .flatMap(([name, value]) => value === undefined ? [] : [[name, String(value)]]),
    );
    const { body } = await place.ask(`/api/dead-letters?${query}`);
    const next = body as Page;
    page = { ...next, letters: [...page.letters, ...next.letters] };
    after = next.next;
  } while (after !== undefined && page.letters.length < limit);
  console.log(json ? JSON.stringify(page, null, 2) : listText(page));
  return exitCodes.done;
}

async function show(place: Asked, { numbers, json }: DeadLettersOptions): Promise<number> {
  const { body } = await place.ask(`/api/dead-letters/${numbers![0]}`);
  const { letter } = body as { letter: Letter };
  console.log(json ? JSON.stringify(letter, null, 2) : letterText(letter));
  return exitCodes.done;
}

async function change(
  place: Asked,
  of: { verb: "replay" | "discard"; selection: unknown; options: DeadLettersOptions },
): Promise<number> {
  const { verb, selection, options } = of;
  const { status, body } = await place.ask(`/api/dead-letters/${verb}`, {
    ...selection as object,
    dry_run: options.dryRun ?? false,
  });
  const done = body as Done;
  console.log(options.json ? JSON.stringify(done, null, 2) : doneText(done, verb));
  return status === 200 ? exitCodes.done : exitCodes.failed;
}

/** Only what was asked for: nothing at all must not mean everything. */
function selectionOf(options: DeadLettersOptions): object {
  const { numbers = [], all = false } = options;
  const filter = filterOf(options);
  const isFiltered = Object.values(filter).some((value) => value !== undefined);
  if (+(numbers.length > 0) + +isFiltered + +all !== 1) {
    throw new WrongUsage("expected one of these: letters' numbers, filters like --sink, --all");
  }
  return numbers.length > 0 ? { numbers } : { filter };
}

function filterOf({ sink, reason, tenant, id, since, until }: DeadLettersOptions) {
  const time = (ms: number | undefined) => ms === undefined ? ms : new Date(ms).toISOString();
  return { sink, reason, tenant, id, since: time(since), until: time(until) };
}

function exitCodeOf(error: unknown): number | undefined {
  if (error instanceof WrongUsage || error instanceof ConfigFaults) return exitCodes.usage;
  return error instanceof NoAnswer ? error.exitCode : undefined;
}
