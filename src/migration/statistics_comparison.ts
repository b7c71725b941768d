/** Devices and sums of both engines brought together, as they come. */
import type { Findings } from "./comparison.ts";
import {
  type DeviceStatistics,
  type EngineStatistics,
  isUnreadable,
  type Unreadable,
} from "./engine_statistics.ts";
import { deviceWhyAlone } from "./one_sided.ts";
import { reasons, unexplained } from "./reasons.ts";
import { secondOf } from "./compared_result.ts";
import {
  deviceDifferences,
  type StatisticsDifference,
  totalsDifferences,
} from "./statistics_differences.ts";

const ALL = "/api/stats";
const ONE = "/api/stats/device/:id";

export interface StatisticsOptions {
  readonly findings: Findings;
  readonly tolerance: number;
  /** Readings came meanwhile: only devices with the same `last_seen` are compared, and no sums. */
  readonly moving: boolean;
}

export class StatisticsComparer {
  readonly counts = { compared: 0, moved: 0 };
  readonly #old: EngineStatistics | null;
  readonly #options: StatisticsOptions;
  readonly #unseen: Set<string>;
  #isBehind = false;

  /** What the old engine says at once. */
  constructor(old: EngineStatistics | Unreadable, options: StatisticsOptions) {
    this.#options = options;
    this.#old = isUnreadable(old) ? null : old;
    this.#unseen = new Set(this.#old?.devices.keys());
    if (isUnreadable(old)) this.unreadable("old", old);
  }

  /** `device`: whose page it is; otherwise it is that of all. */
  unreadable(
    side: "old" | "new",
    { reason, answer, device }: Unreadable & { device?: string },
  ): void {
    const where = device === undefined ? { field: ALL } : { device, field: ONE };
    this.#options.findings.add(reason, { ...where, [side]: answer });
  }

  /** Plumbline's devices come in pages; the sums are in each. */
  page(now: EngineStatistics, { isFirst }: { isFirst: boolean }): void {
    const old = this.#old;
    if (old === null) return;
    if (isFirst) {
      this.#isBehind = old.totals.temperature.count < now.totals.temperature.count ||
        old.totals.humidity.count < now.totals.humidity.count;
      if (!this.#options.moving) this.#note("", totalsDifferences(old.totals, now.totals));
    }
    for (const [name, device] of now.devices) this.#device(name, device);
  }

  /** After the last page. */
  finish(): void {
    for (const device of this.#unseen) {
      const reason = deviceWhyAlone(device);
      this.#options.findings.add(reason, { device, field: ALL });
    }
  }

  /** The same device asked of both; null: it isn't known there. */
  answers(device: string, old: DeviceStatistics | null, now: DeviceStatistics | null): void {
    if (old !== null && now !== null) {
      if (!this.#hasMoved(old, now)) this.#note(device, this.#differences(old, now));
      return;
    }
    const who = old === null ? "only Plumbline" : "only the old engine";
    const reason = old === null && this.#isBehind
      ? reasons.restarted
      : unexplained(`${who} answers for a device`);
    this.#options.findings.add(reason, { device, field: ONE });
  }

  #device(name: string, now: DeviceStatistics): void {
    const old = this.#old!.devices.get(name);
    if (old !== undefined) {
      this.#unseen.delete(name);
      this.#compare(name, old, now);
      return;
    }
    // tenant_id/device_id, where several tenants have the device; either may have a slash.
    for (let at = name.indexOf("/"); at >= 0; at = name.indexOf("/", at + 1)) {
      const device = name.slice(at + 1);
      if (!this.#old!.devices.has(device)) continue;
      this.#unseen.delete(device);
      return this.#add(name, reasons.shared);
    }
    // One that has been started later knows less.
    this.#add(
      name,
      this.#isBehind ? reasons.restarted : unexplained("only Plumbline knows a device"),
    );
  }

  #compare(device: string, old: DeviceStatistics, now: DeviceStatistics): void {
    const hasMoved = this.#hasMoved(old, now);
    this.counts[hasMoved ? "moved" : "compared"]++;
    if (!hasMoved) this.#note(device, this.#differences(old, now));
  }

  #hasMoved(old: DeviceStatistics, now: DeviceStatistics): boolean {
    return this.#options.moving && secondOf(old.last_seen) !== secondOf(now.last_seen);
  }

  #differences(old: DeviceStatistics, now: DeviceStatistics): StatisticsDifference[] {
    return deviceDifferences(old, now, { tolerance: this.#options.tolerance });
  }

  #note(device: string, found: readonly StatisticsDifference[]): void {
    for (const { reason, ...example } of found) {
      const of = device === "" ? {} : { device };
      this.#options.findings.add(reason, { ...of, ...example });
    }
  }

  #add(device: string, reason: Parameters<Findings["add"]>[0]): void {
    this.#options.findings.add(reason, { device, field: ALL });
  }
}
