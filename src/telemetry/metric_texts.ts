/** The parts of the Prometheus text, each found out at the moment of a scrape and by itself. */
import { prom } from "../../deps.ts";
import { head } from "./counted_histogram.ts";

type Labels = Record<string, string | number>;

/** A metric whose values are found out at a scrape; none where they aren't known. */
export interface PulledMetric {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  readonly values: () => Iterable<readonly [Labels, number]>;
}

/** A part that throws is left out and counted: the rest of the answer stands. */
export class MetricTexts {
  /** For metrics that prom-client counts by itself. */
  readonly registry = new prom.Registry();
  readonly #texts: (() => string)[] = [];
  #failures = 0;

  /** A metric that writes its own lines, HELP and TYPE included. */
  add(text: () => string): void {
    this.#texts.push(text);
  }

  counter(metric: PulledMetric): void {
    const collect = collectFrom(metric);
    new prom.Counter({ ...this.#options(metric), collect });
  }

  gauge(metric: PulledMetric): void {
    const collect = collectFrom(metric);
    new prom.Gauge({ ...this.#options(metric), collect });
  }

  /** The whole page. Never rejects. */
  async text(): Promise<string> {
    const parts: string[] = [];
    for (const { name } of this.registry.getMetricsAsArray()) {
      try {
        parts.push(await this.registry.getSingleMetricAsString(name));
      } catch {
        this.#failures++;
      }
    }
    for (const text of this.#texts) {
      try {
        parts.push(text());
      } catch {
        this.#failures++;
      }
    }
    parts.push(this.#failureText());
    return `${parts.join("\n\n")}\n`;
  }

  /** Comes last: it tells of those before it in the same answer. */
  #failureText(): string {
    const name = "plumbline_metric_failures_total";
    const help = "Metrics left out of an answer because their value couldn't be found out";
    return `${head({ name, help, type: "counter" })}\n${name} ${this.#failures}`;
  }

  #options({ name, help, labels }: PulledMetric) {
    return { name, help, labelNames: [...labels], registers: [this.registry] };
  }
}

function collectFrom({ labels, values }: PulledMetric) {
  return function (this: prom.Counter<string> | prom.Gauge<string>) {
    const found = [...values()];
    this.reset();
    // Without labels a reset leaves a 0, and "not known" isn't 0.
    if (found.length === 0 && labels.length === 0) this.remove();
    for (const [named, value] of found) {
      if (!Number.isFinite(value)) throw new RangeError(`a metric's value: a number, got ${value}`);
      this.inc(named, value);
    }
  };
}
