/** The first devices of an order, out of all that are offered: never many more are held. */
import { type DevicePlace, type DeviceQuery } from "./ports.ts";

/** What a device is looked at by; null and NaN: not known. */
export interface DeviceValues {
  readonly lastSeenMs: number;
  readonly results: number;
  readonly lastProcessed: number | null;
  readonly lastScore: number | null;
}

/** Is offered every device that there is, once, in any order. */
export interface DeviceVisitor {
  offer(tenant: string, device: string, values: DeviceValues): void;
}

export interface FoundDevice {
  readonly tenant: string;
  readonly device: string;
  /** What it is sorted by; -Infinity: not known. */
  readonly value: number;
  readonly results: number;
  readonly lastProcessed: number;
  readonly lastScore: number;
}

/** So many times a page are held before the rest is thrown away. */
const SLACK = 4;

export class FoundDevices implements DeviceVisitor {
  readonly #query: DeviceQuery;
  readonly #direction: 1 | -1;
  readonly #after: { value: number; tenant: string; device: string } | undefined;
  readonly #search: RegExp | undefined;
  readonly #most: number;
  #found: FoundDevice[] = [];
  /** What comes behind it isn't wanted any more. */
  #last: FoundDevice | undefined;

  constructor(query: DeviceQuery) {
    const { after, search, limit, descending } = query;
    this.#query = query;
    this.#direction = descending ? -1 : 1;
    this.#after = after === undefined ? undefined : { ...after, value: after.value ?? -Infinity };
    this.#search = search === undefined ? undefined : new RegExp(RegExp.escape(search), "iu");
    this.#most = Math.max(1000, SLACK * limit);
  }

  /** Called for every device there is, before `page`. */
  offer(tenant: string, device: string, values: DeviceValues): void {
    const { tenants, silentSince, sort } = this.#query;
    const { lastSeenMs, results, lastProcessed, lastScore } = values;
    if (tenants !== undefined && !tenants.has(tenant)) return;
    const processed = lastProcessed ?? NaN;
    if (silentSince !== undefined) {
      // Of a device whose time isn't known yet its own clock is what there is.
      if ((processed === processed ? processed : lastSeenMs) >= silentSince) return;
    }
    const score = lastScore ?? NaN;
    const by = sort === "score" ? score : lastSeenMs;
    const value = by === by ? by : -Infinity;
    const place = { value, tenant, device };
    if (this.#after !== undefined && this.#compare(place, this.#after) <= 0) return;
    if (this.#last !== undefined && this.#compare(place, this.#last) > 0) return;
    if (this.#search !== undefined && !this.#search.test(device)) return;
    this.#found.push({ ...place, results, lastProcessed: processed, lastScore: score });
    if (this.#found.length >= this.#most) this.#cut();
  }

  page(): { devices: readonly FoundDevice[]; next: DevicePlace | undefined } {
    this.#cut();
    const { limit } = this.#query;
    const devices = this.#found.slice(0, limit);
    const last = devices.at(-1);
    if (last === undefined || this.#found.length <= limit) return { devices, next: undefined };
    const value = last.value === -Infinity ? null : last.value;
    return { devices, next: { value, tenant: last.tenant, device: last.device } };
  }

  /** One more than a page tells that there are more. */
  #cut(): void {
    this.#found.sort((a, b) => this.#compare(a, b));
    this.#found.length = Math.min(this.#found.length, this.#query.limit + 1);
    this.#last = this.#found.at(-1);
  }

  #compare(a: Ordered, b: Ordered): number {
    if (a.value !== b.value) return a.value < b.value ? -this.#direction : this.#direction;
    if (a.tenant !== b.tenant) return a.tenant < b.tenant ? -1 : 1;
    return a.device < b.device ? -1 : a.device > b.device ? 1 : 0;
  }
}

type Ordered = Pick<FoundDevice, "value" | "tenant" | "device">;
