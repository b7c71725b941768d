import { z } from "../../deps.ts";
import {
  BacklogFull,
  type DeadLetterDesk,
  type LetterFilter,
  type LettersDone,
  type LetterSelection,
} from "../pipeline/ports.ts";
import { Bodies } from "./body.ts";
import { answer, errorAnswer } from "./json.ts";
import { doneJson, headJson, letterJson } from "./letter_json.ts";
import { type ApiRequest, readBody, readQuery, refuseQuery, type Route } from "./request.ts";

const MAX_PAGE = 1000;
const MAX_NUMBERS = 1000;
const MAX_BODY_BYTES = 64 * 1024;
/** After how many seconds the rest may be tried again. */
const RETRY_AFTER = { "retry-after": "5" };

const limitRule = `expected a whole number from 1 to ${MAX_PAGE}`;
const numberRule = "expected a dead letter's number";
const timeRule = "expected a time like 2026-01-31T08:00:00Z";
const number = z.string({ error: numberRule }).regex(/^[0-9]{1,15}$/, { error: numberRule })
  .transform(Number);
const time = z.iso.datetime({ offset: true, error: timeRule }).transform((text) =>
  Date.parse(text)
);
const text = z.string({ error: "expected a text" }).min(1, { error: "expected a text" });

const filterShape = {
  id: text.optional(),
  sink: z.enum(["input", "output", "storage"], { error: "expected input, output or storage" })
    .optional(),
  reason: text.optional(),
  tenant: text.optional(),
  since: time.optional(),
  until: time.optional(),
};

const query = z.object({
  ...filterShape,
  limit: z.string().regex(/^[0-9]{1,4}$/, { error: limitRule }).transform(Number)
    .pipe(z.number().min(1, { error: limitRule }).max(MAX_PAGE, { error: limitRule }))
    .default(100),
  after: number.default(0),
});

/** What isn't known is refused: a filter that is misspelt would take in more than was meant. */
const body = z.strictObject({
  numbers: z.array(z.int({ error: numberRule }).min(1, { error: numberRule }), {
    error: "expected a list of dead letters' numbers",
  }).min(1, { error: "expected at least 1 number" })
    .max(MAX_NUMBERS, { error: `expected at most ${MAX_NUMBERS} numbers` }).optional(),
  filter: z.strictObject(filterShape, { error: "expected an object; {} takes in every letter" })
    .optional(),
  dry_run: z.boolean({ error: "expected true or false" }).default(false),
}, { error: "expected a JSON object" }).refine(
  (it) => (it.numbers === undefined) !== (it.filter === undefined),
  { error: "expected either numbers or filter", path: ["numbers"] },
);

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
    const page = desk.letters.heads({ after, limit, filter: filterOf(filter) });
    const kept = desk.letters.counts().kept;
    return answer({
      status: "ok",
      letters: page.letters.map(headJson),
      kept: kept.reduce((sum, { count }) => sum + count, 0),
      kept_bytes: kept.reduce((sum, { bytes }) => sum + bytes, 0),
      next: page.end,
    });
  }

  function show(request: ApiRequest): Response {
    const given = request.param("number");
    const read = number.safeParse(given);
    if (!read.success) {
      return errorAnswer(400, `number: ${numberRule}, got ${JSON.stringify(given)}`);
    }
    const letter = desk.letters.get(read.data);
    if (letter === undefined) return errorAnswer(404, `No dead letter ${read.data}`);
    return answer({ status: "ok", letter: letterJson(letter) });
  }

  async function read(request: ApiRequest) {
    // What is meant as a dry run must not be done because it stands in the wrong place.
    refuseQuery(request);
    using inHand = bodies.begin();
    const { numbers, filter, dry_run: dryRun } = await readBody(body, { request, inHand });
    const selection: LetterSelection = numbers === undefined
      ? { filter: filterOf(filter!) }
      : { sequences: numbers };
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
    { path: "/api/dead-letters", methods: { GET: list } },
    { path: "/api/dead-letters/replay", methods: { POST: replay } },
    { path: "/api/dead-letters/discard", methods: { POST: discard } },
    { path: "/api/dead-letters/:number", methods: { GET: show } },
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
