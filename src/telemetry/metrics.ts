/** The engine's metrics (contract, section 7). */
import { prom } from "../../deps.ts";
import { latencyBuckets } from "./counted_histogram.ts";
import { type MetricSources, registerEngineMetrics } from "./engine_metrics.ts";
import { EventLoopDelay } from "./event_loop.ts";
import { MetricTexts } from "./metric_texts.ts";
import { type OutputEvent, OutputMetrics, type OutputPromise } from "./output_metrics.ts";
import { registerProcessMetrics } from "./process_metrics.ts";
import { type BatchTally, ReadingMetrics } from "./reading_metrics.ts";

export type { BatchTally, MetricSources, OutputEvent };

export interface MetricsOptions {
  readonly version: string;
  readonly sources: MetricSources;
  /** undefined: there is no output topic. */
  readonly output?: OutputPromise;
  /** Tenants with a label of their own, 1,000 if not given; the rest is counted as `other`. */
  readonly maxTenants?: number;
}

export class Metrics {
  readonly contentType: string = prom.Registry.PROMETHEUS_CONTENT_TYPE;
  readonly #texts = new MetricTexts();
  readonly #readings: ReadingMetrics;
  readonly #output: OutputMetrics;
  readonly #requests: prom.Counter;
  readonly #requestSeconds: prom.Histogram;
  readonly #commit: prom.Histogram;
  readonly #checkpoint: prom.Histogram;
  readonly #eventLoop: prom.Histogram;
  readonly #reloads: prom.Counter;
  /** Whether the tenants' file as it is now isn't in force. */
  #tenantsWrong = 0;

  constructor({ version, sources, output, maxTenants = 1000 }: MetricsOptions) {
    const texts = this.#texts;
    const registers = [texts.registry];
    const buckets = [...latencyBuckets];
    this.#readings = new ReadingMetrics(texts, { maxTenants });
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
    this.#checkpoint = new prom.Histogram({
      name: "plumbline_checkpoint_duration_seconds",
      help: "Time of a checkpoint, from its first part to the commit of its last",
      buckets: [...buckets, 30, 60],
      registers,
    });
    this.#eventLoop = new prom.Histogram({
      name: "plumbline_event_loop_delay_seconds",
      help: "How late a timer came that is due four times a second",
      buckets: [.001, ...buckets],
      registers,
    });
    this.#reloads = new prom.Counter({
      name: "plumbline_tenants_reloads_total",
      help: "Times that the tenants' file was read again, by what came of it",
      labelNames: ["outcome"],
      registers,
    });
    for (const outcome of ["done", "wrong", "unavailable"]) this.#reloads.inc({ outcome }, 0);
    texts.gauge({
      name: "plumbline_tenants_file_wrong",
      help:
        "Whether the tenants' file was wrong when it was read last: older settings are in force",
      labels: [],
      values: () => [[{}, this.#tenantsWrong]],
    });
    registerEngineMetrics(texts, sources);
    this.#output = new OutputMetrics(texts, output);
    texts.gauge({
      name: "plumbline_build_info",
      help: "Version of the engine and of its runtime",
      labels: ["version", "deno"],
      values: () => [[{ version, deno: Deno.version.deno }, 1]],
    });
    registerProcessMetrics(texts);
  }

  /** A batch was committed, at `committedAt` in ms since 1970. */
  batch(tally: BatchTally, committedAt: number): void {
    this.#readings.batch(tally, committedAt);
  }

  /** A batch's transaction took this long. */
  committed(seconds: number): void {
    this.#commit.observe(seconds);
  }

  /** A checkpoint took this long. */
  checkpointed(seconds: number): void {
    this.#checkpoint.observe(seconds);
  }

  /** Something happened on the way to the output topic. */
  output(event: OutputEvent, count: number): void {
    this.#output.count(event, count);
  }

  /** The tenants' file was read again. */
  reloaded(outcome: "done" | "wrong" | "unavailable"): void {
    this.#reloads.inc({ outcome });
    if (outcome !== "unavailable") this.#tenantsWrong = outcome === "wrong" ? 1 : 0;
  }

  /** An HTTP request was answered; `endpoint` is the route's template, never the path. */
  request(it: { endpoint: string; method: string; status: number; seconds: number }): void {
    const { endpoint, method, status, seconds } = it;
    this.#requests.inc({ endpoint, method, status });
    this.#requestSeconds.observe({ endpoint, method }, seconds);
  }

  /** Goes by a timer that is due every so many ms; it has to call `beat` each time. */
  eventLoopDelay(everyMs: number): EventLoopDelay {
    return new EventLoopDelay(everyMs, {
      now: () => performance.now(),
      observe: (seconds) => this.#eventLoop.observe(seconds),
    });
  }

  /** The Prometheus text. Never rejects. */
  text(): Promise<string> {
    return this.#texts.text();
  }
}
