/** Readings of every kind as JSON texts, for property tests. */
import fc from "fast-check";
import { anyValue } from "./exact_twin.ts";

const encoder = new TextEncoder();

const codePoints = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0x20, max: 0x7e }) },
  { weight: 2, arbitrary: fc.constantFrom(0x22, 0x5c, 0x2f, 0x20, 0x26, 0x3c) },
  { weight: 1, arbitrary: fc.constantFrom(0xa0, 0xfeff, 0x2028, 0x2029, 0xe9, 0x10ffff, 0x1f600) },
  { weight: 1, arbitrary: fc.integer({ min: 0xa1, max: 0xd7ff }) },
  { weight: 1, arbitrary: fc.integer({ min: 0x10000, max: 0x10ffff }) },
);

const lengths = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 1, max: 20 }) },
  { weight: 1, arbitrary: fc.integer({ min: 50, max: 70 }) },
  { weight: 1, arbitrary: fc.integer({ min: 240, max: 256 }) },
);

/** Valid `device_id`s and `tenant_id`s. */
export const names: fc.Arbitrary<string> = fc.oneof(
  {
    weight: 5,
    arbitrary: lengths.chain((length) =>
      fc.array(codePoints, { minLength: length, maxLength: length, size: "max" })
    ).map((points) => String.fromCodePoint(...points)).filter((name) => name.trim() !== ""),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom("__proto__", "constructor", "a", "default", "\ufeffa", '"\\"'),
  },
);

export const metricNames = fc.oneof(
  fc.constantFrom(
    "co2",
    "pm2.5",
    "battery",
    "_",
    "__proto__",
    "constructor",
    "a-b",
    "x".repeat(64),
  ),
  fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_.-]{0,63}$/)
    .filter((name) => name !== "temperature" && name !== "humidity"),
);

/** A number's text, also in spellings that `JSON.stringify` doesn't write. */
const numbers = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: -500, max: 9999 }).map((n) => String(n / 100)) },
  { weight: 3, arbitrary: anyValue.map((x) => JSON.stringify(x)) },
  {
    weight: 1,
    arbitrary: fc.constantFrom("-0", "-0.0", "25.0", "1e1", "2E+1", "0.30e2", "1e-7", "1e21", "30"),
  },
);

const two = fc.integer({ min: 0, max: 59 }).map((n) => String(n).padStart(2, "0"));
export const timestamps = fc.tuple(
  fc.integer({ min: 1, max: 28 }).map((n) => String(n).padStart(2, "0")),
  fc.integer({ min: 0, max: 23 }).map((n) => String(n).padStart(2, "0")),
  two,
  two,
  fc.oneof(fc.constant(""), fc.stringMatching(/^\.[0-9]{1,9}$/)),
  fc.constantFrom("Z", "", "+02:00", "-11:30", "Z"),
).map(([day, hour, minute, second, fraction, zone]) =>
  `2026-02-${day}T${hour}:${minute}:${second}${fraction}${zone}`
);

/** A field that may be absent, null, or there. */
function optional(value: fc.Arbitrary<string>): fc.Arbitrary<string | undefined> {
  return fc.oneof({ weight: 5, arbitrary: value }, { arbitrary: fc.constant("null"), weight: 1 }, {
    arbitrary: fc.constant(undefined),
    weight: 1,
  });
}

/** Valid readings of a few devices or of any. */
export function readingsOf(
  of: { devices?: fc.Arbitrary<string>; tenants?: fc.Arbitrary<string> } = {},
): fc.Arbitrary<Uint8Array> {
  const { devices = names, tenants = names } = of;
  const metrics = fc.uniqueArray(fc.tuple(metricNames, numbers), {
    selector: ([name]) => name,
    maxLength: 6,
  }).map((entries) =>
    `{${entries.map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(",")}}`
  );
  return fc.record({
    device: fc.tuple(devices, fc.boolean()).map(quoted),
    tenant: optional(fc.tuple(tenants, fc.boolean()).map(quoted)),
    temperature: optional(numbers),
    humidity: optional(numbers),
    metrics: optional(metrics),
    timestamp: optional(timestamps.map((text) => JSON.stringify(text))),
    unusual: fc.boolean(),
  }).map(({ device, tenant, temperature, humidity, metrics, timestamp, unusual }) => {
    const fields = [["device_id", device], ["temperature", temperature], ["humidity", humidity]];
    fields.push(["metrics", metrics], ["timestamp", timestamp], ["tenant_id", tenant]);
    if (unusual) fields.reverse();
    const there = fields.filter(([, value]) => value !== undefined);
    return encoder.encode(`{${there.map(([name, value]) => `"${name}":${value}`).join(",")}}`);
  });
}

/** As JSON; escaped: every UTF-16 unit by its number. */
function quoted([text, escaped]: [string, boolean]): string {
  if (!escaped) return JSON.stringify(text);
  const units = text.split("").map((unit) => unit.charCodeAt(0).toString(16).padStart(4, "0"));
  return `"${units.map((unit) => `\\u${unit}`).join("")}"`;
}
