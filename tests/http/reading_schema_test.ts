import assert from "node:assert/strict";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { parseReading, Reading } from "../../src/core/reading.ts";
import { contractCases } from "../core/reading_twin.ts";
import { readingsOf } from "../core/readings.ts";
import { apiOver } from "./in_memory.ts";

/** Cases of which no JSON Schema knows: to it a number has no bound, and a text no bytes. */
const BEYOND_SCHEMA = ["1e999", "invalid UTF-8 in device_id", "UTF-8 BOM first"];

Deno.test("a reading that the engine takes is one that the document describes", async () => {
  const document = await (await apiOver({}).api.request("/openapi.json")).json();
  const ajv = new Ajv2020({ strict: false }).addSchema(document, "document");
  const validate = ajv.compile({ $ref: "document#/components/schemas/Reading" });
  const reading = new Reading();
  const taken = (bytes: Uint8Array) => parseReading(reading, bytes, 0, bytes.length) === null;
  const described = (bytes: Uint8Array) => validate(JSON.parse(new TextDecoder().decode(bytes)));
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).slice(0, 300);
  fc.assert(fc.property(readingsOf(), (bytes) => {
    assert.ok(taken(bytes), text(bytes));
    assert.ok(described(bytes), `${text(bytes)}: ${ajv.errorsText(validate.errors)}`);
  }));
  const beyondSchema: string[] = [];
  for (const { name, bytes } of contractCases()) {
    if (bytes === undefined) continue;
    let isDescribed = false;
    try {
      isDescribed = described(bytes);
    } catch { /* no JSON: refused by both */ }
    if (taken(bytes)) assert.ok(isDescribed, `${name}: ${ajv.errorsText(validate.errors)}`);
    else if (isDescribed) beyondSchema.push(name);
  }
  assert.deepEqual(beyondSchema, BEYOND_SCHEMA);
  const metrics = Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`m${i}`, i]));
  const refused = [
    { metrics },
    { metrics: { temperature: 1 } },
    { device_id: "d".repeat(257) },
    { device_id: " " },
    { device_id: "\u0000d" },
    { tenant_id: 0 },
    { timestamp: "" },
    { timestamp: "2026-13-01T00:00:00Z" },
    { temperature: "21" },
  ].map((fields) => new TextEncoder().encode(JSON.stringify({ device_id: "d", ...fields })));
  for (const bytes of refused) assert.ok(!taken(bytes) && !described(bytes), text(bytes));
});
