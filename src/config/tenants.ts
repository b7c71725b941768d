/** `TENANTS_FILE`: how the readings of each tenant are judged (contract, sections 3 and 5). */
import type { z } from "../../deps.ts";
import type { Quotas } from "../core/quota.ts";
import type { TenantSettings } from "../core/tenant.ts";
import type { Files } from "./files.ts";
import { type Token, withoutTokens } from "../core/token.ts";
import { pathText } from "./path.ts";
import { isName } from "./tenant_name.ts";
import { defaultsSchema, type GivenSettings, outerSchema, tenantSchema } from "./tenants_schema.ts";
import { readTokens } from "./tokens.ts";

export type { Quotas, TenantSettings };

/** A tenant that the file names. */
export interface NamedTenant {
  /** For people; the tenant's own name where the file has none. */
  readonly displayName: string;
  readonly settings: TenantSettings;
}

/** The tenants' file, checked; immutable. */
export interface Tenants {
  readonly named: ReadonlyMap<string, NamedTenant>;
  /** What a tenant has that isn't named. */
  readonly defaults: TenantSettings;
  /** Whether readings of tenants that aren't named are taken. */
  readonly acceptsUnknown: boolean;
  /** With any of them every request needs one. */
  readonly tokens: readonly Token[];
}

/** A tenant's settings; undefined: its readings aren't taken. */
export type TenantLookup = (tenant: string) => TenantSettings | undefined;

export function lookupIn({ named, defaults, acceptsUnknown }: Tenants): TenantLookup {
  const others = acceptsUnknown ? defaults : undefined;
  return (tenant) => named.get(tenant)?.settings ?? others;
}

/** What every tenant has where nothing else is said: the rule that the old engines had built in. */
export const builtInSettings: TenantSettings = freeze({
  threshold: 2,
  sampling: 1,
  detectors: [
    { type: "range", metric: "temperature", min: 10, max: 30, weight: 1 },
    { type: "range", metric: "humidity", min: 20, max: 80, weight: 1 },
  ],
});

const NAME_RULE = "expected a tenant's name of 1 to 256 characters without control characters";

/** Without a file. */
export const noTenants: Tenants = Object.freeze({
  named: new Map(),
  defaults: builtInSettings,
  acceptsUnknown: true,
  tokens: [],
});

/**
 * Reads the file. Everything wrong goes to `report` as `path: expectation, got value`; what is returned
 * then is of no use.
 */
export function readTenants(
  path: string,
  { files, report: tell }: { files: Files; report: (message: string) => void },
): Tenants {
  const report = (message: string) => tell(withoutTokens(message));
  let text: string;
  try {
    text = files.read(path);
  } catch (error) {
    report(`can't be read: ${(error as Error).message}`);
    return noTenants;
  }
  let broken = false;
  const value = files.parse(text, (message) => {
    broken = true;
    report(message);
  });
  // What a parser makes of a broken text says nothing about what is wrong.
  if (value === undefined && broken) return noTenants;
  return tenantsOf(value, report);
}

function tenantsOf(file: unknown, report: (message: string) => void): Tenants {
  check(outerSchema, { value: file, path: [], report });
  // From the value itself: an unknown key beside them shouldn't hide what is wrong inside.
  const { defaults: given = {}, tenants, tokens, unknown_tenants: unknown } = (file ??
    {}) as z.infer<typeof outerSchema>;
  const defaults = resolve(
    check(defaultsSchema, { value: given, path: ["defaults"], report }),
    builtInSettings,
  );
  const named = new Map<string, NamedTenant>();
  for (const [tenant, value] of ownEntries(tenants, report)) {
    const path = ["tenants", tenant];
    if (!isName(tenant)) report(`${pathText(path)}: ${NAME_RULE}`);
    const given = check(tenantSchema, { value, path, report });
    named.set(tenant, {
      displayName: given?.display_name ?? tenant,
      settings: resolve(given, defaults),
    });
  }
  return Object.freeze({
    named,
    defaults,
    acceptsUnknown: unknown !== "reject",
    tokens: readTokens(tokens, report),
  });
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

function check<T>(
  schema: z.ZodType<T>,
  given: { value: unknown; path: readonly PropertyKey[]; report: (message: string) => void },
): T | undefined {
  const { value, path, report } = given;
  const outcome = schema.safeParse(value);
  if (outcome.success) return outcome.data;
  for (const issue of outcome.error.issues) {
    const place = [...path, ...issue.path];
    if (issue.code === "unrecognized_keys") {
      for (const key of issue.keys) report(`${pathText([...place, key])}: unknown`);
    } else {
      const got = shown(at(value, issue.path));
      report(`${pathText(place) || "the file"}: ${issue.message}, got ${got}`);
    }
  }
  return undefined;
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

function resolve(
  given: Omit<GivenSettings, "display_name"> | undefined,
  fallback: TenantSettings,
): TenantSettings {
  const maxReadings = given?.max_readings ?? fallback.maxReadings;
  const quotas = quotasOf(given?.quotas, fallback.quotas);
  return freeze({
    threshold: given?.threshold ?? fallback.threshold,
    sampling: given?.sampling ?? fallback.sampling,
    ...(maxReadings === undefined ? {} : { maxReadings }),
    ...(quotas === undefined ? {} : { quotas }),
    detectors: given?.detectors?.map((it) => ({
      type: it.type,
      metric: it.metric,
      min: it.min ?? -Infinity,
      max: it.max ?? Infinity,
      weight: it.weight ?? 1,
    })) ?? fallback.detectors,
  });
}

/** Each of them by itself: a tenant's own, or the defaults'. */
function quotasOf(
  given: GivenSettings["quotas"],
  fallback: Quotas | undefined,
): Quotas | undefined {
  if (given === undefined) return fallback;
  const readingsPerSecond = given.readings_per_second ?? fallback?.readingsPerSecond;
  const burst = given.burst ?? fallback?.burst;
  const devices = given.devices ?? fallback?.devices;
  const backlogShare = given.backlog_share ?? fallback?.backlogShare;
  return Object.freeze({
    ...(readingsPerSecond === undefined ? {} : { readingsPerSecond }),
    ...(burst === undefined ? {} : { burst }),
    ...(devices === undefined ? {} : { devices }),
    ...(backlogShare === undefined ? {} : { backlogShare }),
    over: given.over ?? fallback?.over ?? "drop",
  });
}

function freeze(settings: TenantSettings): TenantSettings {
  settings.detectors.forEach(Object.freeze);
  Object.freeze(settings.detectors);
  return Object.freeze(settings);
}
