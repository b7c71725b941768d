import { z } from "../../deps.ts";
import {
  BacklogFull,
  type DeadLetterDesk,
  type LetterFilter,
  type LettersDone,
  type LetterSelection,
} from "../pipeline/ports.ts";
import { Bodies } from "./body.ts";
import { discardAbout, listAbout, replayAbout, showAbout } from "./dead_letters_about.ts";
import { answer, errorAnswer } from "./json.ts";
import { doneJson, headJson, letterJson } from "./letter_json.ts";
import { pageLimit, textParameter, timeParameter, wholeNumber } from "./parameters.ts";
import { type ApiRequest, readBody, readQuery, refuseQuery, type Route } from "./request.ts";

const MAX_PAGE = 1000;
const MAX_NUMBERS = 1000;
const MAX_BODY_BYTES = 64 * 1024;
/** After how many seconds the rest may be tried again. */
const RETRY_AFTER = { "retry-after": "5" };

const numberRule = "expected a dead letter's number";
const letterNumber = wholeNumber({ min: 0, max: 999_999_999_999_999, rule: numberRule });

const filterShape = {
  sink: z.enum(["input", "output", "storage"], { error: "expected input, output or storage" })
    .optional().describe("`input`: rejected readings. Otherwise who refused a result."),
  reason: textParameter.optional()
    .describe("How the reason begins, to the letter: `status 422`, `device_id`."),
  tenant: textParameter.optional().describe(
    "A result's tenant. Rejected readings have none: what they say of it isn't relied on.",
  ),
  id: textParameter.optional().describe(
    "Of the reading or result: `<topic>-<partition>-<offset>`, or a ULID for one that came over HTTP.",
  ),
  since: timeParameter.optional()
    .describe("Kept at this time or later: `2026-01-31T08:00:00Z`, or with `+01:00`."),
  until: timeParameter.optional().describe("Kept before this time."),
};

const query = z.object({
  ...filterShape,
  limit: pageLimit({ max: MAX_PAGE, otherwise: 100 }).describe("Letters in this answer."),
  after: letterNumber.default(0).describe(
    "The `next` of the answer before this one: letters with a higher number.",
  ),
});

/** What isn't known is refused: a filter that is misspelt would take in more than was meant. */
const body = z.strictObject({
  numbers: z.array(z.int({ error: numberRule }).min(1, { error: numberRule }), {
    error: "expected a list of dead letters' numbers",
  }).min(1, { error: "expected at least 1 number" })
    .max(MAX_NUMBERS, { error: `expected at most ${MAX_NUMBERS} numbers` }).optional()
    .describe("Letters by number; those that aren't there are left out."),
  filter: z.strictObject(filterShape, { error: "expected an object; {} takes in every letter" })
    .optional().describe("Or all that have what it says, as above; `{}`: every letter."),
  dry_run: z.boolean({ error: "expected true or false" }).default(false)
    .describe("`true`: only says how many there are, with the first five; nothing is done."),
}, { error: "expected a JSON object" }).refine(
  (it) => (it.numbers === undefined) !== (it.filter === undefined),
  { error: "expected either numbers or filter", path: ["numbers"] },
).meta({ oneOf: [{ required: ["numbers"] }, { required: ["filter"] }] });

type Filter = Pick<z.infer<typeof query>, keyof typeof filterShape>;

/** `/api/dead-letters` and what is below it. */
export function deadLetterRoutes({ letters: desk }: { letters: DeadLetterDesk }): Route[] {
  const bodies = new Bodies({
    maxReadingBytes: MAX_BODY_BYTES,
    maxBatchBytes: MAX_BODY_BYTES,
    maxTotalBytes: 4 * MAX_BODY_BYTES,
  });

  function list(request: ApiRequest): Response {
    const { limit, after, ...filter } = readQuery(query, request);
    const { tenants } = request;
    const page = desk.letters.heads({ after, limit, filter: { ...filterOf(filter), tenants } });
    // They count everybody's.
    const kept = tenants === null ? desk.letters.counts().kept : undefined;
    return answer({
      status: "ok",
      letters: page.letters.map(headJson),
      kept: kept?.reduce((sum, { count }) => sum + count, 0),
      kept_bytes: kept?.reduce((sum, { bytes }) => sum + bytes, 0),
      next: page.end,
    });
  }

  function show(request: ApiRequest): Response {
    const given = request.param("number");
    const read = letterNumber.safeParse(given);
    if (!read.success) {
      return errorAnswer(400, `number: ${numberRule}, got ${JSON.stringify(given)}`);
    }
    const letter = desk.letters.get(read.data);
    const { tenants } = request;
    const isSeen = tenants === null || (letter?.tenant && tenants.has(letter.tenant));
    if (letter === undefined || !isSeen) return errorAnswer(404, `No dead letter ${read.data}`);
    return answer({ status: "ok", letter: letterJson(letter) });
  }

  async function read(request: ApiRequest) {
    // What is meant as a dry run must not be done because it stands in the wrong place.
    refuseQuery(request);
    using inHand = bodies.begin();
    const { numbers, filter, dry_run: dryRun } = await readBody(body, { request, inHand });
    const { tenants } = request;
    const selection: LetterSelection = numbers === undefined
      ? { filter: { ...filterOf(filter!), tenants } }
      : { sequences: numbers, tenants };
    return { selection, dryRun };
  }

  async function replay(request: ApiRequest): Promise<Response> {
    const { selection, dryRun } = await read(request);
    return doneAnswer(await desk.replay(selection, { dryRun }), { dryRun, verb: "replayed" });
  }

  async function discard(request: ApiRequest): Promise<Response> {
    const { selection, dryRun } = await read(request);
    return doneAnswer(await desk.discard(selection, { dryRun }), { dryRun, verb: "discarded" });
  }

  return [
    { path: "/api/dead-letters", methods: { GET: { handler: list, about: listAbout(query) } } },
    {
      path: "/api/dead-letters/replay",
      methods: { POST: { handler: replay, about: replayAbout(body) } },
    },
    {
      path: "/api/dead-letters/discard",
      methods: { POST: { handler: discard, about: discardAbout(body) } },
    },
    {
      path: "/api/dead-letters/:number",
      methods: { GET: { handler: show, about: showAbout(letterNumber) } },
    },
  ];
}

function filterOf({ sink, ...rest }: Filter): LetterFilter {
  return { ...rest, sink: sink === "input" ? "" : sink };
}

function doneAnswer(
  done: LettersDone,
  of: { dryRun: boolean; verb: "replayed" | "discarded" },
): Response {
  const members = doneJson(done, of);
  const { stopped } = done;
  if (stopped === undefined) return answer({ status: "ok", ...members });
  const message = `stopped before the end: ${stopped.message}; the rest is as it was`;
  const status = stopped instanceof BacklogFull ? 429 : 503;
  return answer({ status: "error", message, ...members }, { status, headers: RETRY_AFTER });
}
