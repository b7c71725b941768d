import { type Tenant } from "./tenant.ts";

/** As the tenants' file calls it. */
export type QuotaName = "readings_per_second" | "devices" | "backlog_share";

/** What a batch's readings became, kept by number until the commit: latency ends there. */
export class Tally {
  readonly tenants: Tenant[] = [];
  /** Per judged reading: twice the index in `tenants`, plus 1 for an anomaly. */
  codes = new Int32Array(1024);
  /** Per judged reading: when it reached Kafka or the API, ms since 1970. */
  arrivals = new Float64Array(1024);
  judged = 0;
  sampledOut = 0;
  /** Why readings were rejected: one for each. */
  readonly rejections: string[] = [];
  /** Readings over the quotas, by tenant. */
  readonly overQuota = new Map<string, number>();
  /** Which quota it was, of the last of them. */
  readonly quotaOf = new Map<string, QuotaName>();

  get rejected(): number {
    return this.rejections.length;
  }

  clear(): void {
    for (const tenant of this.tenants) tenant.tallyIndex = -1;
    this.tenants.length = 0;
    this.judged = 0;
    this.sampledOut = 0;
    this.rejections.length = 0;
    this.overQuota.clear();
    this.quotaOf.clear();
  }

  judge(tenant: Tenant, anomaly: boolean, arrival: number): void {
    if (tenant.tallyIndex < 0) {
      tenant.tallyIndex = this.tenants.length;
      this.tenants.push(tenant);
    }
    if (this.judged === this.codes.length) this.#grow();
    this.codes[this.judged] = tenant.tallyIndex * 2 + (anomaly ? 1 : 0);
    this.arrivals[this.judged++] = arrival;
  }

  /** A reading of this tenant is over its quotas. */
  refuse(tenant: string, quota: QuotaName): void {
    this.quotaOf.set(tenant, quota);
    this.overQuota.set(tenant, (this.overQuota.get(tenant) ?? 0) + 1);
  }

  #grow(): void {
    const codes = new Int32Array(this.codes.length * 2);
    codes.set(this.codes);
    this.codes = codes;
    const arrivals = new Float64Array(this.arrivals.length * 2);
    arrivals.set(this.arrivals);
    this.arrivals = arrivals;
  }
}
