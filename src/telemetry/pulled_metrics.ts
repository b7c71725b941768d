/** Metrics whose values are found out at the moment of a scrape, through functions. */
import { prom } from "../../deps.ts";
import type { Counters } from "../pipeline/ports.ts";

/** What is asked for in a scrape. One that throws leaves out its own metric only. */
export interface MetricSources {
  counters(): Counters;
  /** Records that wait in Kafka, by partition. */
  lag(): ReadonlyMap<number, number>;
  /** Journal rows that each sink hasn't acknowledged yet. */
  backlog(): Iterable<{ readonly sink: string; readonly rows: number; readonly bytes: number }>;
  devicesInMemory(): number;
}

export interface PulledMetric {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  readonly values: () => [Record<string, string | number>, number][];
}

/** Registers metrics whose failures are counted, and told by a metric of their own. */
export class PulledMetrics {
  readonly #registry: prom.Registry;
  #failures = 0;

  constructor(registry: prom.Registry) {
    this.#registry = registry;
  }

  counter(metric: PulledMetric): void {
    const collect = exportValues(metric, () => this.#found(metric));
    new prom.Counter({ ...this.#options(metric), collect });
  }

  gauge(metric: PulledMetric): void {
    const collect = exportValues(metric, () => this.#found(metric));
    new prom.Gauge({ ...this.#options(metric), collect });
  }

  /** Comes last: it tells of those before it in the same answer. */
  failures(): void {
    this.counter({
      name: "plumbline_metric_failures_total",
      help: "Metrics left out of an answer because their value couldn't be found out",
      labels: [],
      values: () => [[{}, this.#failures]],
    });
  }

  #options({ name, help, labels }: PulledMetric) {
    return { name, help, labelNames: [...labels], registers: [this.#registry] };
  }

  #found(metric: PulledMetric): [Record<string, string | number>, number][] {
    try {
      return metric.values();
    } catch {
      this.#failures++;
      return [];
    }
  }
}

type Settable = prom.Counter<string> | prom.Gauge<string>;

function exportValues(
  { labels }: PulledMetric,
  found: () => [Record<string, string | number>, number][],
) {
  return function (this: Settable) {
    const values = found();
    this.reset();
    // Without labels a reset leaves a 0, and "not known" isn't 0.
    if (values.length === 0 && labels.length === 0) this.remove();
    for (const [named, value] of values) this.inc(named, value);
  };
}

/** The engine's own numbers. */
export function registerSources(pulled: PulledMetrics, sources: MetricSources): void {
  pulled.counter({
    name: "plumbline_readings_read_total",
    help: "Readings that were read, ever",
    labels: [],
    values: () => [[{}, sources.counters().read]],
  });
  pulled.counter({
    name: "plumbline_readings_total",
    help: "What became of the readings that were read, ever",
    labels: ["outcome"],
    values: () => outcomes(sources.counters()).map(([outcome, n]) => [{ outcome }, n]),
  });
  pulled.counter({
    name: "plumbline_dead_letters_total",
    help: "Readings put to the dead letters, ever",
    labels: [],
    values: () => [[{}, sources.counters().rejected]],
  });
  pulled.gauge({
    name: "plumbline_consumer_lag",
    help: "Records between the committed position and the partition's end",
    labels: ["partition"],
    values: () => [...sources.lag()].map(([partition, n]) => [{ partition }, n]),
  });
  pulled.gauge({
    name: "plumbline_backlog_rows",
    help: "Journal rows that a sink hasn't acknowledged yet",
    labels: ["sink"],
    values: () => [...sources.backlog()].map(({ sink, rows }) => [{ sink }, rows]),
  });
  pulled.gauge({
    name: "plumbline_backlog_bytes",
    help: "Bytes in journal rows that a sink hasn't acknowledged yet",
    labels: ["sink"],
    values: () => [...sources.backlog()].map(({ sink, bytes }) => [{ sink }, bytes]),
  });
  pulled.gauge({
    name: "plumbline_devices_in_memory",
    help: "Devices whose state is in memory",
    labels: [],
    values: () => [[{}, sources.devicesInMemory()]],
  });
}

function outcomes(counters: Counters): [string, number][] {
  const { results, sampledOut, rejected, dropped, passedOn } = counters;
  return [
    ["result", results],
    ["sampled_out", sampledOut],
    ["rejected", rejected],
    ["dropped", dropped],
    ["passed_on", passedOn],
  ];
}
