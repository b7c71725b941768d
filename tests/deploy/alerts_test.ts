/** deploy/alerts.yml, by Prometheus' own checker and against a real page of metrics. */
import assert from "node:assert/strict";
import { parseExposition } from "../telemetry/exposition.ts";
import { promtool } from "./promtool.ts";
import { realPage } from "./real_page.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
const RULES = `${ROOT}deploy/alerts.yml`;

/** Of Prometheus itself, and what a rule calls a series that isn't a metric. */
const NOT_OURS = new Set(["up"]);

interface Rule {
  readonly alert: string;
  readonly text: string;
}

/** The rules as they are written, one after the other. */
function rules(): Rule[] {
  const [, ...texts] = Deno.readTextFileSync(RULES).split(/^ {6}- alert: /m);
  return texts.map((text) => ({ alert: text.slice(0, text.indexOf("\n")), text }));
}

/** Names of metrics in a rule's expression. */
function metricsIn({ text }: Rule): string[] {
  const expression = text.slice(text.indexOf("expr:"), text.search(/^ {8}(for|labels):/m));
  return [...expression.matchAll(/\b(?:plumbline|process)_[a-z_]+|\bup\b/g)].map(([name]) => name);
}

Deno.test("the rules are rules, and fire when they should", async () => {
  const check = await promtool(["check", "rules", RULES]);
  assert.equal(check.code, 0, check.text);
  const test = await promtool(["test", "rules", `${ROOT}tests/deploy/alerts.test.yml`]);
  assert.equal(test.code, 0, test.text);
});

Deno.test("every alert has a severity, a summary and what to do", () => {
  const all = rules();
  assert.ok(all.length > 20);
  for (const { alert, text } of all) {
    assert.match(text, /^ {8}labels: \{ severity: (critical|warning) \}$/m, alert);
    assert.match(text, /^ {10}summary: \S/m, alert);
    const description = text.slice(text.indexOf("description:"));
    assert.ok(description.length > 100, `${alert}: ${description}`);
  }
});

Deno.test("every metric that an alert goes by stands on a real page, and every alert in docs/monitoring.md", async () => {
  const families = parseExposition(await realPage());
  const names = new Set([...families.keys(), ...NOT_OURS]);
  const docs = Deno.readTextFileSync(`${ROOT}docs/monitoring.md`);
  for (const rule of rules()) {
    const metrics = metricsIn(rule);
    assert.ok(metrics.length > 0, rule.alert);
    for (const metric of metrics) {
      const family = metric.replace(/_bucket$/, "");
      assert.ok(names.has(family), `${rule.alert}: ${metric} is no metric of the engine`);
    }
    assert.ok(docs.includes(`| \`${rule.alert}\` |`), `${rule.alert} isn't in docs/monitoring.md`);
  }
});

Deno.test("a real page is as Prometheus wants it, but for names that are kept from the old engines", async () => {
  const { code, text } = await promtool(["check", "metrics"], await realPage());
  const findings = text.trim().split("\n").filter((line) => line !== "");
  // A counter without `_total`: one of the two names that the old engines had for it.
  const kept = /^tenant_messages_processed counter metrics should have "_total" suffix$/;
  assert.deepEqual(findings.filter((line) => !kept.test(line)), []);
  // 3: there are findings, and nothing worse.
  assert.equal(code, findings.length > 0 ? 3 : 0);
});
