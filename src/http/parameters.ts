/** Parameters that several routes take, each with what is said where it is wrong. */
import { z } from "../../deps.ts";

/** A whole number in a query or a path; `otherwise`: what it is if it isn't given. */
export function wholeNumber(
  { min, max, otherwise, rule }: { min: number; max: number; otherwise?: number; rule?: string },
) {
  const error = rule ?? `expected a whole number from ${min} to ${max}`;
  const digits = new RegExp(`^[0-9]{1,${String(max).length}}$`);
  return z.string({ error }).regex(digits, { error }).transform(Number)
    .pipe(z.number().min(min, { error }).max(max, { error }))
    .meta({ wire: { type: "integer", minimum: min, maximum: max, default: otherwise } });
}

/** How many things an answer has at most. */
export function pageLimit({ max, otherwise }: { max: number; otherwise: number }) {
  return wholeNumber({ min: 1, max, otherwise }).default(otherwise);
}

/** A number of 0 or above in a query, written as JSON may write it. */
export function nonNegativeNumber(error: string) {
  return z.string().regex(/^-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$/, { error }).transform(Number)
    .pipe(z.number({ error }).min(0, { error }))
    .meta({ wire: { type: "number", minimum: 0 } });
}

const timeRule = "expected a time like 2026-01-31T08:00:00Z";

/** A time in a query or a body; ms since 1970. */
export const timeParameter = z.iso.datetime({ offset: true, error: timeRule })
  .transform((text) => Date.parse(text));

export const textParameter = z.string({ error: "expected a text" })
  .min(1, { error: "expected a text" });

/** A tenant's name in a query. */
export const tenantParameter = z.string().min(1, { error: "expected a tenant's name" });
