/** What OpenAPI says of the anomalies. */
import { z } from "../../deps.ts";
import { type Description, type Example, timeSchema } from "./description.ts";

const reasonSchema = z.object({
  detector: z.string(),
  metric: z.string(),
  score: z.number(),
  detail: z.string(),
});

const anomalySchema = z.object({
  id: z.string().describe("Of the reading and its result."),
  tenant_id: z.string(),
  device_id: z.string(),
  timestamp: timeSchema.describe("As the result has it."),
  processed_at: timeSchema,
  anomaly_score: z.number(),
  temperature: z.number().optional(),
  humidity: z.number().optional(),
  metrics: z.record(z.string(), z.number()).optional()
    .describe("The further metrics; left out where the reading had none."),
  reasons: z.array(reasonSchema)
    .describe("Of each detector that fired; empty where the threshold is 0 and none did."),
}).meta({ id: "Anomaly" });

const anomaliesSchema = z.object({
  status: z.literal("ok"),
  anomalies: z.array(anomalySchema),
  kept: z.int().min(0).optional()
    .describe("All that are kept; left out where the request may see some tenants' data only."),
  dropped: z.int().min(0).optional().describe("All that have fallen off, ever; likewise."),
  next: z.int().min(1).optional().describe("Where to go on; there when there may be more."),
});

const examples: readonly Example[] = [{
  name: "the newest",
  query: { limit: "1" },
  status: 200,
  answer: `{"status":"ok",
 "anomalies":[
  {"id":"01M88SVPHJNWC9DQKD35PR32ZE","tenant_id":"default","device_id":"press-7",
   "timestamp":"2026-11-23T18:12:36Z","processed_at":"2026-11-25T07:31:27.422Z","anomaly_score":2,
   "temperature":35.2,"humidity":90.5,
   "reasons":[{"detector":"range","metric":"temperature","score":1,"detail":"35.2 is above 30"},
              {"detector":"range","metric":"humidity","score":1,"detail":"90.5 is above 80"}]}],
 "kept":1,"dropped":0}`,
}, {
  name: "a wrong parameter",
  query: { min_score: "high" },
  status: 400,
  answer:
    `{"status":"error","message":"min_score: expected a number of 0 or above, got \\"high\\""}`,
}];

export function anomaliesAbout(query: z.ZodObject): Description {
  return {
    id: "listAnomalies",
    topic: "Statistics",
    summary: "Readings that were marked, and why, in pages",
    text: `Readings whose score reached their tenant's threshold. They are kept for 30 days \
(\`ANOMALIES_MAX_AGE\`), the newest 100,000 of them (\`ANOMALIES_MAX_COUNT\`); what falls off is counted.

- An anomaly has what its result has, but for the window's statistics.
- The newest come first: those that were processed last, whatever their timestamps are. \`next\` stays \
good while others come.
- It is written in the transaction of its reading: one is there for each result with \
\`"is_anomaly":true\`, whatever dies, until it falls off. Those of readings from before this was kept \
aren't there.
- \`kept\` and \`dropped\` are of all anomalies, whatever was asked for. \`next\` counts all of them, too: \
who may see some tenants' data only can tell from it how many there have been in all.
- An answer looks at about 10,000 anomalies, or those of 1,000 batches. With a filter it may \
have few or none, and a \`next\` all the same.`,
    query,
    answers: {
      200: { text: "A page of anomalies.", schema: anomaliesSchema },
      400: { text: "A parameter is wrong or unknown." },
    },
    examples,
    links: [{
      name: "next",
      operation: "listAnomalies",
      parameters: { after: "/next" },
      text: "The anomalies behind this page.",
    }],
  };
}
