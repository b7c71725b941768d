/** The first tenants by name, with what their devices have together: never many more are held. */
import { type DeviceValues, type DeviceVisitor } from "./found_devices.ts";
import { type TenantQuery } from "./ports.ts";

export interface FoundTenant {
  readonly tenant: string;
  devices: number;
  results: number;
  /** NaN: not known. */
  lastProcessed: number;
}

/** So many times a page are held before the rest is thrown away. */
const SLACK = 4;

export class FoundTenants implements DeviceVisitor {
  readonly #query: TenantQuery;
  readonly #most: number;
  #found = new Map<string, FoundTenant>();
  /** What comes behind it isn't wanted any more. */
  #last: string | undefined;

  constructor(query: TenantQuery) {
    this.#query = query;
    this.#most = Math.max(1000, SLACK * query.limit);
  }

  /** A tenant that there is, with devices or without. */
  name(tenant: string): void {
    this.#of(tenant);
  }

  offer(tenant: string, _: string, { results, lastProcessed }: DeviceValues): void {
    const found = this.#of(tenant);
    if (found === undefined) return;
    found.devices++;
    found.results += results;
    const processed = lastProcessed ?? NaN;
    if (!(processed <= found.lastProcessed) && processed === processed) {
      found.lastProcessed = processed;
    }
  }

  page(): { tenants: readonly FoundTenant[]; next: string | undefined } {
    this.#cut();
    const { limit } = this.#query;
    const all = [...this.#found.values()];
    const tenants = all.slice(0, limit);
    return { tenants, next: all.length > limit ? tenants.at(-1)!.tenant : undefined };
  }

  /** undefined: it isn't wanted. One that is thrown away never comes back, so that none is half counted. */
  #of(tenant: string): FoundTenant | undefined {
    const known = this.#found.get(tenant);
    if (known !== undefined) return known;
    const { after, tenants } = this.#query;
    if (after !== undefined && tenant <= after) return undefined;
    if (this.#last !== undefined && tenant > this.#last) return undefined;
    if (tenants !== undefined && !tenants.has(tenant)) return undefined;
    if (this.#found.size >= this.#most) {
      this.#cut();
      if (tenant > this.#last!) return undefined;
    }
    const found = { tenant, devices: 0, results: 0, lastProcessed: NaN };
    this.#found.set(tenant, found);
    return found;
  }

  /** One more than a page tells that there are more. */
  #cut(): void {
    const sorted = [...this.#found.values()].sort((a, b) => a.tenant < b.tenant ? -1 : 1)
      .slice(0, this.#query.limit + 1);
    this.#found = new Map(sorted.map((it) => [it.tenant, it]));
    if (sorted.length > this.#query.limit) this.#last = sorted.at(-1)!.tenant;
  }
}
