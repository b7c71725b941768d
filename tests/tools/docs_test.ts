import assert from "node:assert/strict";
import { settings } from "../../src/config/settings.ts";
import { apiPage, settingsPage } from "../../tools/docs.ts";
import { apiOver } from "../http/in_memory.ts";

const DOCS = new URL("../../docs/", import.meta.url);

Deno.test("docs/settings.md is what `deno task docs` would write", () => {
  const page = Deno.readTextFileSync(new URL("settings.md", DOCS));
  assert.equal(page, settingsPage(), "run `deno task docs`");
});

Deno.test("docs/api.md is what `deno task docs` would write", async () => {
  const { text } = await apiOver().get("/openapi.json");
  const page = Deno.readTextFileSync(new URL("api.md", DOCS));
  assert.equal(page, apiPage(JSON.parse(text)), "run `deno task docs`");
});

Deno.test("every setting has one row, all rows have as many cells", () => {
  const rows = settingsPage().split("\n").filter((line) => line.startsWith("| `"));
  for (const { name } of Object.values(settings)) {
    assert.equal(rows.filter((row) => row.startsWith(`| \`${name}\``)).length, 1, name);
  }
  for (const row of rows) assert.equal(row.split(/(?<!\\)\|/).length, 6, row);
});
