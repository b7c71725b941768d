/** The arithmetic of `plumbline top`: pages of metrics in, figures out. */
import assert from "node:assert/strict";
import { bucketsOf, quantile, readMetrics } from "../../src/commands/metrics_text.ts";
import { figuresOf, lookAt } from "../../src/commands/top_figures.ts";

function look(text: string, seconds: number) {
  return lookAt({ text, notReady: undefined, notLive: undefined }, {
    at: seconds * 1000,
    time: 1_000_000 + seconds * 1000,
  });
}

Deno.test("labels are read as they were written, and histograms as Prometheus reads them", () => {
  const samples = readMetrics(
    "# HELP a b\n# TYPE a counter\na 1\n" +
      'a{x="1,}\\"\\\\\\n",y="é"} 2.5\nnonsense\nh_bucket{le="0.1"} 2\nh_bucket{le="1"} 4\n' +
      'h_bucket{le="+Inf"} 5\nh_sum 3\n',
  );
  assert.deepEqual(samples.get("a"), [
    { labels: {}, value: 1 },
    { labels: { x: '1,}"\\\n', y: "é" }, value: 2.5 },
  ]);
  const buckets = bucketsOf(samples, "h");
  // By hand: rank 2.5 of 5 is a quarter of the way through the second bucket's two.
  assert.equal(quantile(0.5, buckets), 0.1 + 0.9 * 0.25);
  assert.equal(quantile(0.2, buckets), 0.05);
  assert.equal(quantile(0.99, buckets), 1);
  assert.equal(quantile(0.5, []), undefined);
});

Deno.test("rates are between two looks at the same process, and never below zero", () => {
  const page = (start: number, read: number, tenants: Record<string, number>) =>
    `process_start_time_seconds ${start}\nplumbline_readings_read_total ${read}\n` +
    'plumbline_consumer_lag{partition="0"} 3\nplumbline_consumer_lag{partition="1"} 4\n' +
    Object.entries(tenants).map(([tenant, count]) =>
      `tenant_messages_processed_total{tenant_id="${tenant}"} ${count}\n` +
      `tenant_processing_latency_seconds_bucket{tenant_id="${tenant}",le="1"} ${count / 2}\n` +
      `tenant_processing_latency_seconds_bucket{tenant_id="${tenant}",le="3"} ${count}\n` +
      `tenant_processing_latency_seconds_bucket{tenant_id="${tenant}",le="+Inf"} ${count}\n`
    ).join("");
  const first = look(page(500, 100, { a: 10, b: 10, c: 10 }), 10);
  const second = look(page(500, 300, { a: 14, b: 50, c: 10 }), 12);
  const figures = figuresOf(second, first);
  assert.deepEqual([figures.per_second.read, figures.totals.read], [100, 300]);
  assert.deepEqual([figures.lag, figures.partitions, figures.uptime_seconds], [7, 2, 512]);
  assert.deepEqual(figures.busiest_tenants.map((it) => [it.tenant_id, it.per_second]), [
    ["b", 20],
    ["a", 2],
  ]);
  assert.equal(figures.busiest_tenants[0].p99_ms, 2960);
  assert.equal(figuresOf(second, undefined).per_second.read, null);
  const anew = figuresOf(look(page(511, 5, {}), 14), second);
  assert.deepEqual([anew.per_second.read, anew.busiest_tenants], [null, []]);
});
