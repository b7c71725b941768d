/** What OpenAPI says of the tenants. */
import { z } from "../../deps.ts";
import { type Description, timeSchema } from "./description.ts";
import { tenantsExamples } from "./tenants_examples.ts";

const useSchema = z.object({ used: z.int().min(0), of: z.int().min(0) })
  .meta({ id: "QuotaUse" });

const settingsSchema = z.object({
  threshold: z.number().min(0),
  sampling: z.number().min(0).max(1),
  max_readings: z.int().min(1),
  quotas: z.object({
    readings_per_second: z.number().optional(),
    burst: z.int().min(1).optional(),
    devices: z.int().min(1).optional(),
    backlog_share: z.number().gt(0).max(1).optional(),
    over: z.enum(["drop", "dead_letter"]),
  }).optional(),
  detectors: z.array(z.object({
    type: z.literal("range"),
    metric: z.string(),
    min: z.number().optional(),
    max: z.number().optional(),
    weight: z.number().min(0),
  })),
}).meta({
  id: "TenantSettings",
  description:
    "In the words of the tenants' file ([settings.md](settings.md)), what the defaults " +
    "say filled in.",
});

const tenantSchema = z.object({
  tenant_id: z.string(),
  display_name: z.string().describe("The tenant's name where the file has none."),
  named: z.boolean().describe("Whether the tenants' file names it."),
  devices: z.int().min(0),
  results: z.int().min(0).describe("How many its devices have had, ever."),
  last_processed: timeSchema.nullable().describe("When the last one was made."),
  quota_use: z.object({
    readings: useSchema.optional()
      .describe("Of the readings that it may send at once (`burst`): they come back with time."),
    devices: useSchema.optional(),
  }).optional().describe("Left out where it has no quotas."),
  settings: settingsSchema.nullable()
    .describe("What is in force now; null: its readings aren't taken."),
}).meta({ id: "Tenant" });

const tenantsSchema = z.object({
  status: z.literal("ok"),
  others: settingsSchema.nullable().optional().describe(
    "What tenants have that the file doesn't name; null: their readings aren't taken. Left out where " +
      "the request may see some tenants' data only.",
  ),
  tenants: z.array(tenantSchema),
  next: z.string().optional().describe("Where to go on; there when there are more tenants."),
});

export function tenantsAbout(query: z.ZodObject): Description {
  return {
    id: "listTenants",
    topic: "Statistics",
    summary: "Tenants with what they have and what holds for them, in pages",
    text: `All that the tenants' file names, and all that have devices, by name.

- \`results\` counts from when this was kept first; readings that were sampled out, rejected or over a \
quota don't count. \`plumbline_over_quota_total\` among the metrics has those over a quota.
- Tokens aren't shown, nor is anything else that is secret.
- It is made as \`/api/devices\` is: in steps, over all devices.`,
    query,
    answers: {
      200: { text: "A page of tenants.", schema: tenantsSchema },
      400: { text: "A parameter is wrong or unknown." },
      503: { text: "Too many pages are in the making.", headers: ["retry-after"] },
    },
    examples: tenantsExamples,
    links: [{
      name: "next",
      operation: "listTenants",
      parameters: { after: "/next" },
      text: "The tenants behind this page.",
    }],
  };
}
