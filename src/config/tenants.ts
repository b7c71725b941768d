/** `TENANTS_FILE`: thresholds, sampling and detectors of the tenants (contract, sections 3 and 5). */
import { z } from "../../deps.ts";
import type { TenantSettings } from "../core/tenant.ts";

export type { TenantSettings };

/** Settings of one tenant: its own, or the defaults where it isn't named. */
export type TenantLookup = (tenant: string) => TenantSettings;

/** What every tenant has where nothing else is said: the rule that the old engines had built in. */
export const builtInSettings: TenantSettings = freeze({
  threshold: 2,
  sampling: 1,
  detectors: [
    { type: "range", metric: "temperature", min: 10, max: 30, weight: 1 },
    { type: "range", metric: "humidity", min: 20, max: 80, weight: 1 },
  ],
});

const MAX_DETECTORS = 64;
const finite = z.number({ error: "expected a finite number" });
const metricRule =
  "a metric's name: a letter or underscore, then up to 63 letters, digits, _, . or -";

const detectorSchema = z.strictObject({
  type: z.literal("range", { error: 'expected "range"' }),
  metric: z.string({ error: `expected ${metricRule}` })
    .regex(/^[A-Za-z_][A-Za-z0-9_.-]{0,63}$/, { error: `expected ${metricRule}` }),
  min: finite.optional(),
  max: finite.optional(),
  weight: finite.nonnegative({ error: "expected a number of 0 or above" }).optional(),
}, { error: "expected an object" })
  .refine((it) => it.min !== undefined || it.max !== undefined, {
    error: "expected min, max or both",
  })
  .refine((it) => it.min === undefined || it.max === undefined || it.min <= it.max, {
    path: ["max"],
    error: "expected a number of min or above",
  });

const settingsSchema = z.strictObject({
  threshold: finite.nonnegative({ error: "expected a number of 0 or above" }).optional(),
  sampling: finite.min(0, { error: "expected a number from 0 to 1" })
    .max(1, { error: "expected a number from 0 to 1" }).optional(),
  detectors: z.array(detectorSchema, { error: "expected an array" })
    .max(MAX_DETECTORS, { error: `expected at most ${MAX_DETECTORS} detectors` }).optional(),
}, { error: "expected an object" });

const fileSchema = z.strictObject({
  defaults: z.unknown().optional(),
  tenants: z.unknown().optional(),
}, { error: "expected an object" });

type Given = z.infer<typeof settingsSchema>;

/**
 * Reads the file's text. Everything wrong goes to `report` as `path: expectation, got value`; what is
 * returned then is of no use.
 */
export function readTenants(text: string, report: (message: string) => void): TenantLookup {
  const file = parseJson(text, report);
  check(fileSchema, { value: file, path: "", report });
  // From the value itself: an unknown key beside them shouldn't hide what is wrong inside.
  const { defaults: given = {}, tenants } = (file ?? {}) as z.infer<typeof fileSchema>;
  const defaults = resolve(
    check(settingsSchema, { value: given, path: "defaults", report }),
    builtInSettings,
  );
  const named = new Map<string, TenantSettings>();
  for (const [tenant, value] of ownEntries(tenants, report)) {
    const path = `tenants${property(tenant)}`;
    if (!isTenantName(tenant)) {
      report(`${path}: expected a tenant's name of 1 to 256 characters without control characters`);
    }
    named.set(tenant, resolve(check(settingsSchema, { value, path, report }), defaults));
  }
  return (tenant) => named.get(tenant) ?? defaults;
}

function parseJson(text: string, report: (message: string) => void): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    report(`not JSON: ${(error as Error).message}`);
    return {};
  }
}

/** Not a zod record: that drops a tenant called `__proto__`. */
function ownEntries(tenants: unknown, report: (message: string) => void): [string, unknown][] {
  if (tenants === undefined) return [];
  if (typeof tenants === "object" && tenants !== null && !Array.isArray(tenants)) {
    return Object.entries(tenants);
  }
  report(`tenants: expected an object, got ${shown(tenants)}`);
  return [];
}

/** The same rule as for a reading's `tenant_id`. */
function isTenantName(name: string): boolean {
  return name.trim() !== "" && !/\p{Cc}/u.test(name) && name.isWellFormed() &&
    [...name].length <= 256;
}

function check<T>(
  schema: z.ZodType<T>,
  given: { value: unknown; path: string; report: (message: string) => void },
): T | undefined {
  const { value, path, report } = given;
  const outcome = schema.safeParse(value);
  if (outcome.success) return outcome.data;
  for (const issue of outcome.error.issues) {
    const place = path + issue.path.map(property).join("");
    if (issue.code === "unrecognized_keys") {
      for (const key of issue.keys) report(`${trimmed(place + property(key))}: unknown`);
    } else {
      report(
        `${trimmed(place) || "the file"}: ${issue.message}, got ${shown(at(value, issue.path))}`,
      );
    }
  }
  return undefined;
}

/** One step of a path: `.name`, `["a name"]` or `[0]`. */
function property(key: PropertyKey): string {
  if (typeof key === "number") return `[${key}]`;
  const name = String(key);
  return /^[\w-]+$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`;
}

function trimmed(path: string): string {
  return path.startsWith(".") ? path.slice(1) : path;
}

function at(value: unknown, path: readonly PropertyKey[]): unknown {
  let here = value as Record<PropertyKey, unknown> | undefined;
  for (const key of path) here = here?.[key] as Record<PropertyKey, unknown> | undefined;
  return here;
}

function shown(value: unknown): string {
  if (value === undefined) return "nothing";
  const text = typeof value === "number" ? String(value) : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

function resolve(given: Given | undefined, fallback: TenantSettings): TenantSettings {
  return freeze({
    threshold: given?.threshold ?? fallback.threshold,
    sampling: given?.sampling ?? fallback.sampling,
    detectors: given?.detectors?.map((it) => ({
      type: it.type,
      metric: it.metric,
      min: it.min ?? -Infinity,
      max: it.max ?? Infinity,
      weight: it.weight ?? 1,
    })) ?? fallback.detectors,
  });
}

function freeze(settings: TenantSettings): TenantSettings {
  settings.detectors.forEach(Object.freeze);
  Object.freeze(settings.detectors);
  return Object.freeze(settings);
}
