/** What OpenAPI says of the dead letters. */
import { z } from "../../deps.ts";
import {
  discardExamples,
  listExamples,
  replayExamples,
  showExamples,
} from "./dead_letters_examples.ts";
import { type Description, errorSchema, timeSchema } from "./description.ts";

const letterShape = {
  number: z.int().min(1).describe(
    "The letter's name: no two letters ever have the same. Letters come in its order, the oldest first.",
  ),
  id: z.string().describe(
    "Of the reading or result. It may stand for several letters: one by each sink that refused the result.",
  ),
  sink: z.enum(["input", "output", "storage"]),
  tenant_id: z.string().nullable(),
  reason: z.string(),
  time: timeSchema.describe("When the reading was judged or the result was made."),
  kept_at: timeSchema.describe("When it became a dead letter."),
  topic: z.string().nullable().describe("Of a reading from Kafka."),
  partition: z.int().nullable().describe("Of a reading from Kafka."),
  offset: z.int().nullable().describe("Of a reading from Kafka."),
  status: z.int().nullable().describe("Of HTTP, where a storage service refused a result."),
  answer: z.string().nullable().describe("The first KiB of what the sink answered."),
  attempts: z.int().min(0),
  size: z.int().min(0).nullable()
    .describe("Length of the bytes; null: a tombstone, which has none."),
};

const headSchema = z.object(letterShape).meta({ id: "DeadLetter" });

const letterSchema = z.object({
  ...letterShape,
  encoding: z.enum(["utf-8", "base64"]).nullable()
    .describe(
      "`utf-8`: `value` is the text. `base64`: the bytes aren't UTF-8. null, and `value`, too: a tombstone.",
    ),
  value: z.string().nullable(),
}).meta({ id: "DeadLetterWithBytes" });

const doneShape = {
  dry_run: z.boolean(),
  matched: z.int().min(0).describe("So many letters are meant."),
  examples: z.array(headSchema).max(5).optional().describe("The first ones, in a dry run."),
};

const replayedShape = {
  ...doneShape,
  replayed: z.int().min(0).describe("Those that were rejected again are counted, too."),
  rejected_again: z.int().min(0),
  left: z.int().min(0).describe("So many stayed."),
  left_because: z.string().optional().describe("Why the last of them stayed."),
};

const discardedShape = { ...doneShape, discarded: z.int().min(0) };

const ok = { status: z.literal("ok") };
const stopped = { status: z.literal("error"), message: z.string() };

const LETTER =
  "A dead letter is a reading that was rejected (its `sink` is `input`), or a result that " +
  "a sink refused for good (`output`, `storage`). [reliability.md](reliability.md) says when that is.";

export function listAbout(query: z.ZodObject): Description {
  return {
    id: "listDeadLetters",
    topic: "Dead letters",
    summary: "What was rejected or refused, in pages",
    text: `${LETTER}

- \`kept\` and \`kept_bytes\` are of all letters, whatever was asked for. A token that is limited to \
tenants gets the refused results of these, and neither of the two; rejected readings are nobody's.
- An answer looks at 5,000 letters at most. With a filter it may have few letters or none, and a \
\`next\` all the same.`,
    query,
    answers: {
      200: {
        text: "A page of dead letters, without their bytes.",
        schema: z.object({
          ...ok,
          letters: z.array(headSchema),
          kept: z.int().min(0).optional(),
          kept_bytes: z.int().min(0).optional(),
          next: z.int().min(1).optional().describe("Where to go on; there when there may be more."),
        }),
      },
      400: { text: "A parameter is wrong or unknown." },
    },
    examples: listExamples,
    links: [{
      name: "next",
      operation: "listDeadLetters",
      parameters: { after: "/next" },
      text: "The letters behind this page.",
    }, {
      name: "first",
      operation: "getDeadLetter",
      parameters: { number: "/letters/0/number" },
      text: "The first of these letters, with its bytes.",
    }],
  };
}

export function showAbout(number: z.ZodType): Description {
  return {
    id: "getDeadLetter",
    topic: "Dead letters",
    summary: "One dead letter, with its bytes as they came",
    path: z.object({
      number: number.describe("The letter's number."),
    }),
    answers: {
      200: {
        text: "The letter.",
        schema: z.object({ ...ok, letter: letterSchema }),
      },
      400: { text: "What stands for the number is none." },
      404: { text: "There is no such letter." },
    },
    examples: showExamples,
  };
}

export function replayAbout(body: z.ZodType): Description {
  return {
    id: "replayDeadLetters",
    topic: "Dead letters",
    summary: "Read or send dead letters again",
    text:
      `- A **rejected reading** is read again: judged by the settings of now, counted as read once \
more, under the id that it had. Where it has no timestamp it gets the time of the replay. If it is \
rejected again (\`rejected_again\`) it is a dead letter again, with a new number and the new reason.
- A **refused result** is sent to that sink again, the same bytes under the same id, and nowhere else: it \
isn't counted again, and no statistics change. It may come behind later results of its device. What the \
sink refuses again is a dead letter again.
- \`replayed\` says that a result waits for its sink again, not that the sink has it.
- A letter goes in the same transaction in which its reading is committed or its result is put into the \
journal: what is answered as replayed is safe, whatever dies.
- \`left\` letters stay, \`left_because\` says why: their sink is switched off, their tenant is over its \
quotas (\`quota: …\`: try again later), or nothing can be made of their bytes (a tombstone).
- Only letters that are there when it begins are replayed, a hundred a transaction; other work has its \
turn in between. Two such requests are worked on one after the other.
- Where the backlog is full (429) or the store can't be written (503) it stops: \`matched\` and \`replayed\` \
say how far it came, the rest is as it was.

What the body may not have is refused, so that a name that is misspelt takes in no more than was meant.`,
    body: selectionBody(body),
    answers: {
      200: { text: "What came of it.", schema: z.object({ ...ok, ...replayedShape }) },
      ...selectionAnswers(z.object({ ...stopped, ...replayedShape })),
    },
    examples: replayExamples,
  };
}

export function discardAbout(body: z.ZodType): Description {
  return {
    id: "discardDeadLetters",
    topic: "Dead letters",
    summary: "Delete dead letters",
    text: "The letters are gone for good. The body is that of a replay.",
    body: selectionBody(body),
    answers: {
      200: { text: "What came of it.", schema: z.object({ ...ok, ...discardedShape }) },
      ...selectionAnswers(z.object({ ...stopped, ...discardedShape })),
    },
    examples: discardExamples,
  };
}

function selectionBody(body: z.ZodType) {
  return {
    text: "Which letters: either `numbers` or `filter`.",
    content: { "application/json": body },
  };
}

function selectionAnswers(stoppedSchema: z.ZodType) {
  return {
    400: { text: "The body is wrong, or there is a parameter in the address." },
    408: { text: "The body wasn't complete within 30 s." },
    413: { text: "The body is longer than 64 KiB." },
    429: {
      text: "It stopped: the backlog is full. Or too many such bodies are in hand.",
      schema: z.union([stoppedSchema, errorSchema]),
      headers: ["retry-after"] as const,
    },
    503: {
      text: "It stopped: the store can't be written.",
      schema: z.union([stoppedSchema, errorSchema]),
      headers: ["retry-after"] as const,
    },
  };
}
