/** What became of the readings, by status and tenant, and how long it took. */
import type { prom } from "../../deps.ts";
import { bucketOf, CountedHistogram, type HistogramSeries } from "./counted_histogram.ts";
import type { PulledMetrics } from "./pulled_metrics.ts";

/** A committed batch, as the engine's tally has it: parallel arrays, nothing allocated per reading. */
export interface BatchTally {
  readonly tenants: readonly { readonly name: string }[];
  /** Per judged reading: twice the index in `tenants`, plus 1 for an anomaly. */
  readonly codes: Int32Array;
  /** Per judged reading: when it reached Kafka or the API, ms since 1970. */
  readonly arrivals: Float64Array;
  readonly judged: number;
  readonly rejected: number;
}

interface TenantMeter {
  readonly label: string;
  readonly latency: HistogramSeries;
  processed: number;
}

export class ReadingMetrics {
  readonly #maxTenants: number;
  readonly #tenants = new Map<string, TenantMeter>();
  #others: TenantMeter | undefined;
  readonly #tenantLatency: CountedHistogram;
  readonly #normal: HistogramSeries;
  readonly #anomaly: HistogramSeries;
  readonly #messages = { normal: 0, anomaly: 0, error: 0 };

  constructor(registry: prom.Registry, options: { pulled: PulledMetrics; maxTenants: number }) {
    this.#maxTenants = options.maxTenants;
    this.#registerCounts(options.pulled);
    this.#tenantLatency = new CountedHistogram({
      name: "tenant_processing_latency_seconds",
      help: "Processing latency by tenant",
      label: "tenant_id",
      registry,
    });
    const latency = new CountedHistogram({
      name: "processing_latency_seconds",
      help: "Processing latency by status",
      label: "status",
      registry,
    });
    this.#normal = latency.series({ status: "normal" });
    this.#anomaly = latency.series({ status: "anomaly" });
  }

  /** `committedAt` in ms since 1970. A reading from the future (clocks differ) took no time. */
  batch(tally: BatchTally, committedAt: number): void {
    const { codes, arrivals, judged } = tally;
    const meters = tally.tenants.map(({ name }) => this.#tenants.get(name) ?? this.#meter(name));
    let anomalies = 0;
    for (let i = 0; i < judged; i++) {
      const meter = meters[codes[i] >> 1];
      const anomaly = codes[i] & 1;
      const seconds = Math.max(0, committedAt - arrivals[i]) / 1000;
      const bucket = bucketOf(seconds);
      const status = anomaly === 1 ? this.#anomaly : this.#normal;
      status.counts[bucket]++;
      status.sum += seconds;
      meter.latency.counts[bucket]++;
      meter.latency.sum += seconds;
      meter.processed++;
      anomalies += anomaly;
    }
    this.#messages.normal += judged - anomalies;
    this.#messages.anomaly += anomalies;
    this.#messages.error += tally.rejected;
  }

  #meter(tenant: string): TenantMeter {
    if (this.#tenants.size >= this.#maxTenants) return this.#others ??= this.#newMeter("other");
    const meter = this.#newMeter(tenant);
    this.#tenants.set(tenant, meter);
    return meter;
  }

  /** A tenant that is itself called `other` shares the series of the rest. */
  #newMeter(label: string): TenantMeter {
    const known = this.#tenants.get(label);
    return known ??
      { label, latency: this.#tenantLatency.series({ tenant_id: label }), processed: 0 };
  }

  #registerCounts(pulled: PulledMetrics): void {
    pulled.counter({
      name: "process_messages_total",
      help: "The total number of processed messages",
      labels: ["status"],
      values: () => Object.entries(this.#messages).map(([status, n]) => [{ status }, n]),
    });
    for (const name of ["tenant_messages_processed", "tenant_messages_processed_total"]) {
      pulled.counter({
        name,
        help: "Messages processed by tenant",
        labels: ["tenant_id"],
        values: () => this.#meters().map((it) => [{ tenant_id: it.label }, it.processed]),
      });
    }
  }

  #meters(): TenantMeter[] {
    const named = [...this.#tenants.values()];
    const others = this.#others;
    return others === undefined || named.includes(others) ? named : [...named, others];
  }
}
