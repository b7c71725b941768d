/** What became of the readings, by status and tenant, and how long it took. */
import {
  bucketOf,
  CountedHistogram,
  head,
  type HistogramSeries,
  labelText,
} from "./counted_histogram.ts";
import type { MetricTexts } from "./metric_texts.ts";
import { RejectionCounts } from "./rejection_counts.ts";

/** A committed batch, as the engine's tally has it: parallel arrays, nothing allocated per reading. */
export interface BatchTally {
  readonly tenants: readonly { readonly name: string }[];
  /** Per judged reading: twice the index in `tenants`, plus 1 for an anomaly. */
  readonly codes: Int32Array;
  /** Per judged reading: when it reached Kafka or the API, ms since 1970. */
  readonly arrivals: Float64Array;
  readonly judged: number;
  /** The reason of each rejected reading. */
  readonly rejections: readonly string[];
  /** Readings over the quotas, by tenant. */
  readonly overQuota: ReadonlyMap<string, number>;
}

interface TenantMeter {
  readonly label: string;
  readonly latency: HistogramSeries;
  processed: number;
  overQuota: number;
}

const OTHERS = "other";

export class ReadingMetrics {
  readonly #maxTenants: number;
  readonly #tenants = new Map<string, TenantMeter>();
  #others: TenantMeter | undefined;
  readonly #tenantLatency = new CountedHistogram({
    name: "tenant_processing_latency_seconds",
    help: "Processing latency by tenant",
    label: "tenant_id",
  });
  readonly #normal: HistogramSeries;
  readonly #anomaly: HistogramSeries;
  readonly #messages = { normal: 0, anomaly: 0, error: 0 };
  readonly #rejections = new RejectionCounts();

  constructor(texts: MetricTexts, options: { maxTenants: number }) {
    this.#maxTenants = options.maxTenants;
    const latency = new CountedHistogram({
      name: "processing_latency_seconds",
      help: "Processing latency by status",
      label: "status",
    });
    this.#normal = latency.series("normal");
    this.#anomaly = latency.series("anomaly");
    this.#registerCounts(texts);
    texts.add(() => this.#tenantLatency.text());
    texts.add(() => latency.text());
  }

  /** `committedAt` in ms since 1970. A reading from the future (clocks differ) took no time. */
  batch(tally: BatchTally, committedAt: number): void {
    const { codes, arrivals, judged, rejections } = tally;
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
    this.#messages.error += rejections.length;
    this.#rejections.add(rejections);
    for (const [tenant, readings] of tally.overQuota) {
      (this.#tenants.get(tenant) ?? this.#meter(tenant)).overQuota += readings;
    }
  }

  /** The tenant's own meter, or the one that all tenants beyond the bound share. */
  #meter(tenant: string): TenantMeter {
    if (this.#tenants.size >= this.#maxTenants) {
      return this.#others ??= this.#tenants.get(OTHERS) ?? this.#newMeter(OTHERS);
    }
    const meter = this.#newMeter(tenant);
    this.#tenants.set(tenant, meter);
    return meter;
  }

  #newMeter(label: string): TenantMeter {
    return { label, latency: this.#tenantLatency.series(label), processed: 0, overQuota: 0 };
  }

  #registerCounts(texts: MetricTexts): void {
    texts.counter({
      name: "process_messages_total",
      help: "The total number of processed messages",
      labels: ["status"],
      values: () => Object.entries(this.#messages).map(([status, n]) => [{ status }, n]),
    });
    for (const name of ["tenant_messages_processed", "tenant_messages_processed_total"]) {
      const first = head({ name, help: "Messages processed by tenant", type: "counter" });
      texts.add(() => [first, ...this.#tenantCounts(name)].join("\n"));
    }
    texts.counter({
      name: "plumbline_over_quota_total",
      help: "Readings beyond their tenant's quotas: refused, dropped or put to the dead letters",
      labels: ["tenant_id"],
      values: () => this.#meters().map((it) => [{ tenant_id: it.label }, it.overQuota]),
    });
    texts.counter({
      name: "plumbline_dead_letters_total",
      help: "Readings put to the dead letters since the start, by the start of the reason",
      labels: ["reason"],
      values: () => [...this.#rejections.byKind()].map(([reason, n]) => [{ reason }, n]),
    });
  }

  #meters(): TenantMeter[] {
    const named = [...this.#tenants.values()];
    const others = this.#others;
    return others === undefined || named.includes(others) ? named : [...named, others];
  }

  #tenantCounts(name: string): string[] {
    return this.#meters().map(({ label, processed }) =>
      `${name}{${labelText("tenant_id", label)}} ${processed}`
    );
  }
}
