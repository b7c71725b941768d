/** The engine's metrics (contract, section 7) in a registry of their own. */
import { prom } from "../../deps.ts";
import { latencyBuckets } from "./counted_histogram.ts";
import { registerProcessMetrics } from "./process_metrics.ts";
import { type MetricSources, PulledMetrics, registerSources } from "./pulled_metrics.ts";
import { type BatchTally, ReadingMetrics } from "./reading_metrics.ts";

export type { BatchTally, MetricSources };

export interface MetricsOptions {
  readonly version: string;
  readonly sources: MetricSources;
  /** Tenants with a label of their own, 1,000 if not given; the rest is counted as `other`. */
  readonly maxTenants?: number;
}

export class Metrics {
  readonly contentType: string = prom.Registry.PROMETHEUS_CONTENT_TYPE;
  readonly #registry = new prom.Registry();
  readonly #readings: ReadingMetrics;
  readonly #commit: prom.Histogram;
  readonly #requests: prom.Counter;
  readonly #requestSeconds: prom.Histogram;

  constructor({ version, sources, maxTenants = 1000 }: MetricsOptions) {
    const registry = this.#registry;
    const registers = [registry];
    const buckets = [...latencyBuckets];
    const pulled = new PulledMetrics(registry);
    this.#readings = new ReadingMetrics(registry, { pulled, maxTenants });
    this.#requests = new prom.Counter({
      name: "http_requests_total",
      help: "Total number of HTTP requests",
      labelNames: ["endpoint", "method", "status"],
      registers,
    });
    this.#requestSeconds = new prom.Histogram({
      name: "http_request_duration_seconds",
      help: "HTTP request duration in seconds",
      labelNames: ["endpoint", "method"],
      buckets,
      registers,
    });
    this.#commit = new prom.Histogram({
      name: "plumbline_commit_duration_seconds",
      help: "Time of the SQLite transaction of a batch, its fsync included",
      buckets: [.0005, .001, .0025, ...buckets],
      registers,
    });
    registerSources(pulled, sources);
    new prom.Gauge({
      name: "plumbline_build_info",
      help: "Version of the engine and of its runtime",
      labelNames: ["version", "deno"],
      registers,
    }).set({ version, deno: Deno.version.deno }, 1);
    registerProcessMetrics(registry);
    pulled.failures();
  }

  /** A batch was committed, at `committedAt` in ms since 1970. */
  batch(tally: BatchTally, committedAt: number): void {
    this.#readings.batch(tally, committedAt);
  }

  /** A batch's transaction took this long. */
  committed(seconds: number): void {
    this.#commit.observe(seconds);
  }

  /** An HTTP request was answered; `endpoint` is the route's template, never the path. */
  request(it: { endpoint: string; method: string; status: number; seconds: number }): void {
    const { endpoint, method, status, seconds } = it;
    this.#requests.inc({ endpoint, method, status });
    this.#requestSeconds.observe({ endpoint, method }, seconds);
  }

  /** The Prometheus text. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }
}
