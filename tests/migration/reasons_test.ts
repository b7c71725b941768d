import assert from "node:assert/strict";
import { reasons } from "../../src/migration/reasons.ts";

const CONTRACT = new URL("../../docs/contract.md", import.meta.url);

/** The first cells of the table's rows, as plain text. */
function firstCells(section: string): string[] {
  return section.split("\n").filter((line) => line.startsWith("| "))
    .map((line) => line.split(" | ")[0].slice(2).replaceAll("`", ""));
}

Deno.test("every reason is a row or a defect of the contract", async () => {
  const contract = await Deno.readTextFile(CONTRACT);
  const section = (title: string) => contract.split(/^## /m).find((it) => it.startsWith(title))!;
  const rows = firstCells(section("8. On purpose"));
  const defects = firstCells(section("L8. Defects"));
  for (const { kind, name } of Object.values(reasons)) {
    if (kind === "on purpose") {
      assert.ok(rows.includes(name) || name.startsWith("section 1: "), name);
    } else {
      const [numbers] = name.split(":");
      const known = numbers.startsWith("L") ||
        numbers.split(", ").every((it) => defects.includes(it));
      assert.ok(known, name);
    }
  }
});
