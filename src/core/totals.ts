import { type Reading } from "./reading.ts";
import { type SeriesState, Totals } from "./series.ts";

/** Statistics over all devices, as the store keeps them. */
export interface GlobalState {
  /** Every journal row up to this id is in here. */
  readonly journalId: number;
  /** `processed_at` of the last result, ms since 1970; 0: none yet. */
  readonly lastProcessed: number;
  readonly temperature: SeriesState;
  readonly humidity: SeriesState;
  readonly metrics: readonly { readonly name: string; readonly series: SeriesState }[];
}

/** Further metrics beyond so many names are kept per device only: their names come from outside. */
export const MAX_GLOBAL_METRICS = 1000;

/** Statistics since the beginning, over all devices of all tenants. */
export class GlobalTotals {
  temperature = new Totals();
  humidity = new Totals();
  metrics = new Map<string, Totals>();
  lastProcessed = 0;
  /** The journal row up to which the store's row includes readings. */
  savedId = 0;
  /** First journal id that the store's row doesn't include; 0: it has all. */
  dirtySince = 0;
  /**
   * It has names that the store's row doesn't. Which ones come first, and which find no room, depends
   * on the order across lanes, which a replay doesn't know: they are saved with the batch that brings
   * them, as new devices are.
   */
  hasNewNames = false;

  restore(state: GlobalState): void {
    this.temperature = Totals.fromState(state.temperature);
    this.humidity = Totals.fromState(state.humidity);
    this.metrics = new Map(
      state.metrics.map(({ name, series }) => [name, Totals.fromState(series)]),
    );
    this.lastProcessed = state.lastProcessed;
    this.savedId = state.journalId;
  }

  pushMetrics(reading: Reading): void {
    for (let i = 0; i < reading.metricCount; i++) {
      const name = reading.metricNames[i];
      let totals = this.metrics.get(name);
      if (totals === undefined) {
        if (this.metrics.size >= MAX_GLOBAL_METRICS) continue;
        this.metrics.set(name, totals = new Totals());
        this.hasNewNames = true;
      }
      totals.push(reading.metricValues[i]);
    }
  }

  toState(journalId: number): GlobalState {
    return {
      journalId,
      lastProcessed: this.lastProcessed,
      temperature: this.temperature.toState(),
      humidity: this.humidity.toState(),
      metrics: [...this.metrics].map(([name, totals]) => ({ name, series: totals.toState() })),
    };
  }
}
