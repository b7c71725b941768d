import assert from "node:assert/strict";
import { memberRows, typeText } from "../../src/http/schema_text.ts";

const NUMBER = { type: "number" };
const NULL = { type: "null" };

Deno.test("a type in words: alternatives, bounds, and whether null stands in an array or for it", () => {
  const texts: [object, string][] = [
    [{ $ref: "#/components/schemas/DeadLetter" }, "[DeadLetter](#deadletter)"],
    [
      { type: "integer", minimum: 1, maximum: 1000, default: 100 },
      "integer, 1 to 1,000; default 100",
    ],
    [{ type: "integer", minimum: 0 }, "integer"],
    [{ type: ["string", "null"] }, "string or null"],
    [{ anyOf: [NUMBER, NULL] }, "number or null"],
    [{ anyOf: [{ type: "array", items: NUMBER }, NULL] }, "null or array of number"],
    [
      { anyOf: [{ type: "object", additionalProperties: NUMBER }, NULL] },
      "null or by name: number",
    ],
    [{ type: "array", items: NUMBER, minItems: 1, maxItems: 5 }, "array of number, 1 to 5 of them"],
    [{ type: "array", items: NUMBER, maxItems: 5 }, "array of number, at most 5 of them"],
    [{ enum: ["true", "false"], default: "true" }, "`true`, `false`; default true"],
    [{ const: "ok" }, '`"ok"`'],
    [{ type: "string", format: "date-time" }, "time"],
    [{}, "anything"],
  ];
  for (const [schema, expected] of texts) assert.equal(typeText(schema), expected);
});

Deno.test("members of several shapes stand once: what one of them may lack has a `?`", () => {
  const one = {
    properties: {
      status: { const: "ok" },
      list: {
        type: "array",
        items: { type: "object", properties: { a: NUMBER }, required: ["a"] },
      },
    },
    required: ["status", "list"],
  };
  const other = {
    anyOf: [{
      properties: { status: { const: "no", description: "Refused." } },
      required: ["status"],
    }],
  };
  assert.deepEqual(memberRows([one, other]), [
    ["`status`", '`"ok"` or `"no"`', "Refused."],
    ["`list`?", "array of object", ""],
    ["`list[].a`", "number", ""],
  ]);
});

Deno.test("what has a name of its own is a link, and isn't gone into", () => {
  const shape = {
    properties: {
      it: { $ref: "#/components/schemas/Thing" },
      them: { type: "object", additionalProperties: { $ref: "#/components/schemas/Thing" } },
    },
  };
  assert.deepEqual(memberRows([shape]), [
    ["`it`?", "[Thing](#thing)", ""],
    ["`them`?", "by name: [Thing](#thing)", ""],
  ]);
});
