/** deploy/grafana.json: its shape, its expressions by Prometheus' own parser, its metrics on a real page. */
import assert from "node:assert/strict";
import { z } from "../../deps.ts";
import { tempFolder } from "../harness/temp.ts";
import { parseExposition } from "../telemetry/exposition.ts";
import { promtool } from "./promtool.ts";
import { realPage } from "./real_page.ts";

const FILE = new URL("../../deploy/grafana.json", import.meta.url).pathname;

const SOURCE = z.object({ type: z.literal("prometheus"), uid: z.literal("${datasource}") });
const PLACE = z.object({
  x: z.int().min(0),
  y: z.int().min(0),
  w: z.int().min(1).max(24),
  h: z.int().min(1),
});
const TARGET = z.object({ refId: z.string().min(1), expr: z.string().min(1), datasource: SOURCE });
const ROW = z.object({ type: z.literal("row"), id: z.int(), title: z.string(), gridPos: PLACE });
const PANEL = z.object({
  type: z.enum(["timeseries", "stat"]),
  id: z.int(),
  title: z.string().min(1),
  description: z.string().min(1),
  gridPos: PLACE,
  datasource: SOURCE,
  targets: z.array(TARGET).min(1),
});
/** What Grafana's import needs of a dashboard, as far as this one uses it. */
const DASHBOARD = z.object({
  uid: z.string(),
  title: z.string(),
  schemaVersion: z.int(),
  panels: z.array(z.union([ROW, PANEL])),
  templating: z.object({
    list: z.array(z.object({ name: z.string(), type: z.string(), query: z.unknown() })),
  }),
});

const dashboard = DASHBOARD.parse(JSON.parse(Deno.readTextFileSync(FILE)));
const panels = dashboard.panels.flatMap((panel) => panel.type === "row" ? [] : [panel]);
const variables = dashboard.templating.list;
const expressions = panels.flatMap(({ title, targets }) =>
  targets.map(({ expr }) => ({ title, expr }))
);

Deno.test("panels have ids of their own, overlap nowhere, and use variables that exist", () => {
  const ids = dashboard.panels.map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length);
  const taken = new Set<string>();
  for (const { title, gridPos: { x, y, w, h } } of dashboard.panels) {
    assert.ok(x + w <= 24, title);
    for (let column = x; column < x + w; column++) {
      for (let line = y; line < y + h; line++) {
        assert.ok(!taken.has(`${column} ${line}`), `${title} lies upon another panel`);
        taken.add(`${column} ${line}`);
      }
    }
  }
  assert.deepEqual(variables.map(({ name }) => name), ["datasource", "instance", "tenant"]);
  const known = new Set([...variables.map(({ name }) => name), "__rate_interval"]);
  for (const { title, expr } of expressions) {
    const used = [...expr.matchAll(/\$(\w+)/g)].map(([, name]) => name);
    assert.ok(used.includes("instance"), title);
    assert.deepEqual(used.filter((name) => !known.has(name)), [], title);
  }
});

Deno.test("every expression of the dashboard parses", async () => {
  using folder = tempFolder("dashboard-");
  const rules = expressions.map(({ expr }, at) => ({
    record: `panel:${at}`,
    expr: expr.replaceAll("$__rate_interval", "5m").replaceAll(/\$\w+/g, ".*"),
  }));
  // JSON is YAML, too.
  const path = `${folder.path}/rules.yml`;
  Deno.writeTextFileSync(path, JSON.stringify({ groups: [{ name: "dashboard", rules }] }));
  const { code, text } = await promtool(["check", "rules", path]);
  assert.equal(code, 0, text);
});

Deno.test("every metric that the dashboard asks for stands on a real page", async () => {
  const names = new Set([...parseExposition(await realPage()).keys(), "up"]);
  const queries = [...expressions, { title: "variables", expr: JSON.stringify(variables) }];
  for (const { title, expr } of queries) {
    const metrics = expr.match(/\b(?:[a-z]+_)+[a-z]+(?=\{|, instance\))|\bup(?=\{)/g) ?? [];
    assert.ok(metrics.length > 0, title);
    for (const metric of metrics) {
      assert.ok(names.has(metric.replace(/_bucket$/, "")), `${title}: ${metric} is no metric`);
    }
  }
});
