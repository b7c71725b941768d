/** What may stand in `TENANTS_FILE`; `docs/tenants.schema.json` is made from it. */
import { z } from "../../deps.ts";
import { isName, MAX_TENANT_NAME } from "./tenant_name.ts";
import { tokensSchema } from "./tokens.ts";

const MAX_DETECTORS = 64;
const finite = z.number({ error: "expected a finite number" });
const metricRule =
  "a metric's name: a letter or underscore, then up to 63 letters, digits, _, . or -";
const nameRule = `expected text of 1 to ${MAX_TENANT_NAME} characters without control characters`;
const rateRule = "expected a number above 0";
const wholeRule = "expected a whole number above 0";
const shareRule = "expected a number above 0, at most 1";
const windowRule = "expected a whole number from 1 to 100000";

const detectorSchema = z.strictObject({
  type: z.literal("range", { error: 'expected "range"' }),
  metric: z.string({ error: `expected ${metricRule}` })
    .regex(/^[A-Za-z_][A-Za-z0-9_.-]{0,63}$/, { error: `expected ${metricRule}` })
    .meta({ description: "temperature, humidity, or the name of a further metric" }),
  min: finite.optional().meta({ description: "it fires below; left out: no lower bound" }),
  max: finite.optional().meta({ description: "it fires above; left out: no upper bound" }),
  weight: finite.nonnegative({ error: "expected a number of 0 or above" }).optional()
    .meta({ description: "what it adds to the score when it fires; 1 if left out" }),
}, { error: "expected an object" })
  .refine((it) => it.min !== undefined || it.max !== undefined, {
    error: "expected min, max or both",
  })
  .refine((it) => it.min === undefined || it.max === undefined || it.min <= it.max, {
    path: ["max"],
    error: "expected a number of min or above",
  })
  .meta({ description: "fires where the metric lies outside min and max" });

const quotasSchema = z.strictObject({
  readings_per_second: z.number({ error: rateRule }).positive({ error: rateRule }).optional()
    .meta({ description: "readings a second, on average" }),
  burst: z.number({ error: wholeRule }).int({ error: wholeRule }).min(1, { error: wholeRule })
    .optional()
    .meta({ description: "readings at once after a pause; as many as in ten seconds if left out" }),
  devices: z.number({ error: wholeRule }).int({ error: wholeRule }).min(1, { error: wholeRule })
    .optional()
    .meta({ description: "devices that it may ever have" }),
  backlog_share: z.number({ error: shareRule }).positive({ error: shareRule })
    .max(1, { error: shareRule }).optional()
    .meta({ description: "share of each sink's backlog that its results may take" }),
  over: z.enum(["drop", "dead_letter"], { error: 'expected "drop" or "dead_letter"' }).optional()
    .meta({
      description: "what becomes of readings from Kafka beyond them; those over HTTP are refused",
    }),
}, { error: "expected an object" });

/** What `defaults` and a tenant may have; what is left out comes from `defaults`, or is built in. */
const settings = {
  threshold: finite.nonnegative({ error: "expected a number of 0 or above" }).optional()
    .meta({ description: "the score from which a reading is an anomaly" }),
  sampling: finite.min(0, { error: "expected a number from 0 to 1" })
    .max(1, { error: "expected a number from 0 to 1" }).optional()
    .meta({
      description:
        "share of the readings that is taken; which ones follows from tenant, device and id",
    }),
  max_readings: z.number({ error: windowRule }).int({ error: windowRule })
    .min(1, { error: windowRule }).max(100_000, { error: windowRule }).optional()
    .meta({
      description: "length of the windows of its devices; the setting MAX_READINGS if left out",
    }),
  quotas: quotasSchema.optional().meta({ description: "what a tenant may send at most" }),
  detectors: z.array(detectorSchema, { error: "expected a list" })
    .max(MAX_DETECTORS, { error: `expected at most ${MAX_DETECTORS} detectors` }).optional()
    .meta({ description: "replaces the detectors of the defaults" }),
};

export const defaultsSchema = z.strictObject(settings, { error: "expected an object" });

export const tenantSchema = z.strictObject({
  display_name: z.string({ error: nameRule }).refine(isName, { error: nameRule }).optional()
    .meta({ description: "a name for people" }),
  ...settings,
}, { error: "expected an object" });

/** The file; what stands in `defaults`, `tenants` and `tokens` is checked by itself, so that every fault is told. */
export const outerSchema = z.strictObject({
  $schema: z.string({ error: "expected the address of a JSON Schema" }).optional(),
  unknown_tenants: z.enum(["accept", "reject"], { error: 'expected "accept" or "reject"' })
    .optional()
    .meta({
      description:
        "what becomes of readings of a tenant that isn't named; reject: they are dead letters",
    }),
  defaults: z.unknown().optional(),
  tenants: z.unknown().optional(),
  tokens: z.unknown().optional(),
}, { error: "expected an object" });

export type GivenSettings = z.infer<typeof tenantSchema>;

/** The whole file as a JSON Schema (draft 2020-12), for editors; the engine checks a little more. */
export function tenantsJsonSchema(): Record<string, unknown> {
  const whole = outerSchema.extend({
    defaults: defaultsSchema.optional(),
    tenants: z.record(z.string().min(1).max(MAX_TENANT_NAME), tenantSchema).optional(),
    tokens: tokensSchema.optional(),
  });
  return {
    ...z.toJSONSchema(whole, { io: "input" }),
    title: "Plumbline: the tenants' file",
  };
}
