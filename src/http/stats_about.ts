/** What OpenAPI says of the statistics. */
import { z } from "../../deps.ts";
import { type Description, timeSchema } from "./description.ts";
import { deviceReadingsExamples, deviceStatsExamples, statsExamples } from "./stats_examples.ts";

const numberOrNone = z.number().nullable();

const seriesSchema = z.object({
  count: z.int().min(0),
  sum: z.number(),
  min: numberOrNone,
  max: numberOrNone,
  avg: numberOrNone,
}).meta({ id: "Series", description: "Over every reading ever." });

const windowShape = {
  avg: numberOrNone,
  min: numberOrNone,
  max: numberOrNone,
  count: z.int().min(0).describe("Over everything since the device was first seen."),
};

const windowSchema = z.object({
  readings: z.array(z.number()).optional()
    .describe("The window: the last `MAX_READINGS` values, the oldest first."),
  ...windowShape,
}).meta({ id: "Window", description: "`avg`, `min` and `max` are over the window." });

const deviceSchema = z.object({
  temperature: windowSchema,
  humidity: windowSchema,
  metrics: z.record(z.string(), windowSchema).optional()
    .describe("The further metrics; left out where there are none."),
  last_seen: timeSchema.nullable(),
}).meta({ id: "Device" });

const statsSchema = z.object({
  status: z.literal("ok"),
  data: z.object({
    temperature: seriesSchema.optional(),
    humidity: seriesSchema.optional(),
    metrics: z.record(z.string(), seriesSchema).optional(),
    devices: z.record(z.string(), deviceSchema),
  }),
  processing: z.object({
    running: z.boolean(),
    messages_processed: z.int().min(0).optional().describe("Results that were made."),
    last_processed: timeSchema.nullable().optional().describe("When the last one was made."),
    last_started: timeSchema.nullable(),
    errors: z.int().min(0).optional().describe("Rejected readings."),
    sampled_out: z.int().min(0).optional(),
  }),
  next: z.string().optional().describe("Where to go on; there when there are more devices."),
});

const deviceStatsSchema = z.object({
  status: z.literal("ok"),
  device_id: z.string(),
  tenant_id: z.string(),
  data: deviceSchema,
});

const deviceReadingsSchema = z.object({
  status: z.literal("ok"),
  device_id: z.string(),
  tenant_id: z.string(),
  readings: z.array(z.object({
    time: timeSchema.describe("In UTC, to the millisecond."),
    temperature: z.number().optional(),
    humidity: z.number().optional(),
    metrics: z.record(z.string(), z.number()).optional(),
  })),
});

export function statsAbout(query: z.ZodObject): Description {
  return {
    id: "getStats",
    topic: "Statistics",
    summary: "Statistics over all devices, and the devices in pages",
    text:
      `An answer shows one moment, between two commits; nothing in it is half-done. (While the store \
can't be written, \`data\` includes the readings of the batch that waits for it, \`processing\` doesn't.)

- \`temperature\`, \`humidity\` and \`metrics\` at the top are over every reading of every device ever, \
whatever page and tenant were asked for.
- A token that is limited to tenants gets their devices, named as if there were no others, and nothing \
that counts everybody's: those members, and most of \`processing\`, are left out.
- What has no value is \`null\`; \`metrics\` is left out where there are none.
- A device is named by its id. One whose id exists in several tenants is named \
\`tenant_id/device_id\`; a \`%\` or \`/\` in either part is then written \`%25\` or \`%2F\`, so that tenant \
\`a\` with device \`b/c\` is \`a/b%2Fc\` and tenant \`a/b\` with device \`c\` is \`a%2Fb/c\`. An id that reads \
like such a name of another device (\`a/b\`, where tenant \`a\` has a device \`b\`) takes its own long \
name, too. No two devices have the same name.
- Devices come in the order of tenant and id. \`next\` is there when there are more; it says where to go \
on, and stays good while devices are added. It is to be passed back, not to be read.

Pages take longest to make, so they wait for one another and never hold up anything else: two are made \
at a time, in slices of some milliseconds, and up to 256 wait. Beyond that, and while 64 MiB of pages are \
made and not read by those who asked, the answer is 503 with \`Retry-After: 1\`. A page of which nothing is \
read for 30 s is given up, and its connection closed. Pages of up to 100 devices with \`readings=false\` \
are answered at once, always.`,
    query,
    answers: {
      200: { text: "Statistics, and a page of devices.", schema: statsSchema },
      400: { text: "A parameter is wrong or unknown." },
      503: { text: "Too many pages are in the making.", headers: ["retry-after"] },
    },
    examples: statsExamples,
    links: [{
      name: "next",
      operation: "getStats",
      parameters: { after: "/next" },
      text: "The devices behind this page.",
    }],
  };
}

const devicePath = z.object({
  id: z.string().min(1).describe("The device's id, URL-encoded: `a/b` is `a%2Fb`."),
});

const deviceRefusals = {
  400: { text: "A parameter is wrong or unknown." },
  404: { text: "There is none." },
  409: { text: "Several tenants have a device of this id." },
};

export function deviceStatsAbout(query: z.ZodObject): Description {
  return {
    id: "getDeviceStats",
    topic: "Statistics",
    summary: "One device",
    text:
      "A device that is called `.` or `..` can't be asked for: clients take these out of a path. It " +
      "is in `/api/stats`.",
    path: devicePath,
    query,
    answers: {
      200: { text: "The device's windows.", schema: deviceStatsSchema },
      ...deviceRefusals,
    },
    examples: deviceStatsExamples,
  };
}

export function deviceReadingsAbout(query: z.ZodObject): Description {
  return {
    id: "getDeviceReadings",
    topic: "Statistics",
    summary: "What one device's windows hold, with times",
    text: `As JSON, or as CSV for a spreadsheet.

- \`time\` is the reading's timestamp in UTC, or when it was read where it had none. The earliest comes \
first, in whatever order they came.
- Each metric has a window of its own (the last \`MAX_READINGS\` values). Values of the same time stand \
side by side; of several at one time the first belongs to the first, and so on.
- CSV is as RFC 4180 has it: a header line, lines that end with CR LF, text in UTF-8, what is absent \
empty. A name that begins with \`=\`, \`+\`, \`-\` or \`@\` gets a \`'\` in front, because a spreadsheet \
would take it for a formula; numbers stay as they are. The answer is a download named \
\`readings-<device>.csv\` (letters, digits and \`._-\` of the id, all else is \`_\`).
- It is made as pages of \`/api/stats\` are, and may be a 503 with \`Retry-After\` as they may.`,
    path: devicePath,
    query,
    answers: {
      200: {
        text: "What the windows hold.",
        schema: deviceReadingsSchema,
        otherMedia: ["text/csv"],
        headers: ["content-disposition"],
      },
      ...deviceRefusals,
      503: { text: "Too many pages are in the making.", headers: ["retry-after"] },
    },
    examples: deviceReadingsExamples,
  };
}
