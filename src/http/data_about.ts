/** What OpenAPI says of `POST /api/data`. */
import { z } from "../../deps.ts";
import { dataExamples } from "./data_examples.ts";
import { type Description, errorSchema, timeSchema } from "./description.ts";

/** No control characters, and somewhere one that `trim` doesn't remove; spelt out, `\s` differs by language. */
const NAME =
  // deno-lint-ignore no-control-regex
  /^[^\u0000-\u001f\u007f-\u009f]*[^\u0000-\u0020\u007f-\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff][^\u0000-\u001f\u007f-\u009f]*$/;
const LEAP_YEAR = "([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)";
const DAY = "(0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|" +
  "02-(0[1-9]|1[0-9]|2[0-8])";
const HOUR_AND_MINUTE = "([01][0-9]|2[0-3]):[0-5][0-9]";
const TIMESTAMP = new RegExp(
  `^([0-9]{4}-(${DAY})|${LEAP_YEAR}-02-29)T${HOUR_AND_MINUTE}:[0-5][0-9]([.][0-9]{1,9})?` +
    `(Z|[+-]${HOUR_AND_MINUTE})?$`,
);
const METRIC_NAME = /^(?!(temperature|humidity)$)[A-Za-z_][A-Za-z0-9_.-]{0,63}$/;

const measured = z.number().nullish();

/**
 * A reading is read byte by byte (`core/reading.ts`), not by this schema: it says the same for those who
 * send readings, and a test holds the two together.
 */
const readingSchema = z.object({
  device_id: z.string().regex(NAME).max(256)
    .describe("1 to 256 characters, not only white space, no control characters."),
  tenant_id: z.union([z.string().regex(NAME).max(256), z.literal(""), z.null()]).optional()
    .describe('As `device_id`. Missing, null or `""`: `default`.'),
  temperature: measured,
  humidity: measured,
  metrics: z.record(z.string().regex(METRIC_NAME), z.number()).nullish()
    .meta({ maxProperties: 32 })
    .describe("At most 32 further metrics; a device keeps at most 32 names."),
  timestamp: z.string().regex(TIMESTAMP).nullish().describe(
    "RFC 3339, in upper case, a date that exists, seconds to 59; without a zone it is taken as UTC. " +
      "Missing or null: the time at which it is read.",
  ),
}).meta({
  id: "Reading",
  description: "Other members are ignored. The same as a record's value in Kafka.",
});

const windowStatsSchema = z.object({
  avg: z.number(),
  min: z.number(),
  max: z.number(),
}).meta({
  id: "WindowStats",
  description: "Over the device's window; zeros where it has no value yet.",
});

const resultSchema = z.object({
  device_id: z.string(),
  temperature: z.number().optional(),
  humidity: z.number().optional(),
  metrics: z.record(z.string(), z.number()).optional(),
  timestamp: timeSchema.describe("The reading's, completed with `Z` where it had no zone."),
  processed_at: timeSchema,
  tenant_id: z.string(),
  is_anomaly: z.boolean().describe("`anomaly_score` is the tenant's threshold or more."),
  anomaly_score: z.number().describe("Sum of the weights of the detectors that fired."),
  temperature_stats: windowStatsSchema,
  humidity_stats: windowStatsSchema,
  metrics_stats: z.record(z.string(), windowStatsSchema).optional(),
  reasons: z.array(z.object({
    detector: z.string(),
    metric: z.string(),
    score: z.number(),
    detail: z.string(),
  })).optional().describe("Only where a detector fired."),
  id: z.string().describe(
    "`<topic>-<partition>-<offset>` of a reading from Kafka, a ULID of one that came over HTTP.",
  ),
}).meta({ id: "Result" });

const rejectedSchema = z.array(z.object({
  index: z.int().min(0).describe("From 0; blank lines aren't counted."),
  message: z.string(),
}));

const acceptedSchema = z.int().min(0)
  .describe("Those that sampling left out are counted, too.");

const batchSchema = z.object({
  status: z.literal("ok"),
  accepted: acceptedSchema,
  rejected: rejectedSchema.max(0),
}).describe("Many readings: every one was accepted.");

const partSchema = z.object({
  status: z.literal("partial"),
  accepted: acceptedSchema,
  rejected: rejectedSchema.min(1),
}).describe("Many readings: some were accepted.");

const noneSchema = z.object({
  status: z.literal("error"),
  message: z.string(),
  accepted: z.literal(0),
  rejected: rejectedSchema.min(1),
}).describe("Many readings: none was accepted.");

const takenSchema = z.object({ status: z.literal("ok"), data: resultSchema })
  .describe("One reading: `data` is the result, byte for byte as it goes to the output topic.");

const skippedSchema = z.object({
  status: z.literal("skipped"),
  message: z.string(),
  id: z.string(),
}).describe("One reading: the tenant's sampling left it out: no result, no statistics.");

const NDJSON = "application/x-ndjson";

export const dataAbout: Description = {
  id: "sendReadings",
  topic: "Readings",
  summary: "Send readings, alone or many together",
  text:
    `A reading takes the same road as one from Kafka: statistics, journal, output topic, storage \
service. The answer comes after the commit: what is answered with 200 is on the disk. Requests that \
come at the same time are committed together, so a client that wants more readings a second sends \
several requests at once, or many readings in one.

**One reading** is one JSON object ([contract.md](contract.md), section 1), at most \
\`MAX_READING_BYTES\` long.

**Many readings** are a JSON array, or one reading a line with \`Content-Type: ${NDJSON}\`: at most \
\`MAX_BATCH_BYTES\` (default 16 MiB) and 10,000 readings. (curl: \`--data-binary\`; with \`-d\` it drops \
the line breaks.)

- A request is one transaction: its readings are committed together, or none of them is. Each has the \
outcome that it would have alone, in the order of the body, and its own \`id\`.
- \`accepted\` counts those that sampling left out, too; \`sampled_out\` in \`/api/stats\` and the metrics \
tell them apart.
- Blank lines aren't readings and have no index. Lines may end with CR LF, and the last one needs no \
line break.
- A batch without any reading (\`[]\`, no lines) is accepted: 200, \`"accepted":0\`.
- A reading longer than \`MAX_READING_BYTES\` is rejected by itself, and the others are taken. (Alone it \
is a 413.)
- An element of an array that is no JSON is rejected by itself, as a line is. An array that is broken as \
a whole (not closed, an empty element, brackets that don't match as in \`[{]}\`, text behind it) is one \
reading that is no JSON: 400, and nothing of it is taken.
- A byte order mark is refused: JSON has none.

The body is judged by what it is: any \`Content-Type\` will do, only \`${NDJSON}\` changes the meaning.

A rejected reading (400, or among \`rejected\`) is counted, and kept in the dead letters. After 408, 413, \
415, 429 and 503 nothing was taken, nothing is counted, and the same request may be sent again. The \
first request that meets a store that can't be written waits for up to 5 s before it is refused; those \
that follow are refused at once, until it can be written again.

Where the connection breaks before the answer has come, the readings may have been taken. Sending them \
again counts them again: HTTP has no offsets.`,
  body: {
    text: "One reading, an array of them, or one a line.",
    content: {
      "application/json": z.union([readingSchema, z.array(readingSchema).max(10_000)]),
      [NDJSON]: z.array(readingSchema).max(10_000).describe("One a line."),
    },
  },
  answers: {
    200: {
      text: "The reading was accepted, or every one was; or the reading was left out by sampling.",
      schema: z.union([takenSchema, skippedSchema, batchSchema]),
    },
    207: { text: "Some of the readings were accepted.", schema: partSchema },
    400: {
      text:
        "It is no reading, or none of them is. A parameter in the address. A body that broke off.",
      schema: z.union([noneSchema, errorSchema]),
    },
    403: {
      text: "The reading, or every one that wasn't taken, is of a tenant that the token isn't for.",
    },
    408: { text: "The body wasn't complete within 30 s." },
    413: { text: "The body is too long, or has too many readings." },
    415: { text: "The body is compressed.", headers: ["accept-encoding"] },
    429: {
      text: "A tenant is over its quotas (in a batch: all that wasn't taken is; otherwise such " +
        "readings stand among the rejected ones); the backlog of a sink is full and " +
        "`BACKLOG_POLICY` is `block` ([reliability.md](reliability.md)); or the bodies in hand take " +
        "more than four of the largest may.",
      headers: ["retry-after"],
    },
    503: {
      text: "The store can't be written (a full disk).",
      headers: ["retry-after"],
    },
  },
  examples: dataExamples,
};
