/** The statistics over all devices: one row, further metrics in rows of their own. */
import { type drizzle, gte } from "../../deps.ts";
import type { GlobalState } from "../pipeline/ports.ts";
import { globalMetrics, globalStatistics } from "./schema.ts";
import { readMetric, readStatistics } from "./series_rows.ts";

export class GlobalRow {
  readonly #orm: ReturnType<typeof drizzle>;

  constructor(orm: ReturnType<typeof drizzle>) {
    this.#orm = orm;
  }

  save(state: GlobalState): void {
    const { temperature, humidity, metrics } = state;
    const row = {
      journalId: state.journalId,
      lastProcessed: state.lastProcessed,
      temperatureCount: temperature.count,
      temperatureSum: temperature.sum,
      temperatureMin: temperature.min,
      temperatureMax: temperature.max,
      temperatureExact: temperature.exact,
      temperatureWindow: temperature.window,
      humidityCount: humidity.count,
      humiditySum: humidity.sum,
      humidityMin: humidity.min,
      humidityMax: humidity.max,
      humidityExact: humidity.exact,
      humidityWindow: humidity.window,
    };
    this.#orm.insert(globalStatistics).values({ id: 1, ...row })
      .onConflictDoUpdate({ target: globalStatistics.id, set: row }).run();
    for (const [position, { name, series }] of metrics.entries()) {
      const { count, sum, min, max } = series;
      const metric = {
        name,
        count,
        sum,
        min,
        max,
        exact: series.exact,
        window: series.window,
      };
      this.#orm.insert(globalMetrics).values({ position, ...metric })
        .onConflictDoUpdate({ target: globalMetrics.position, set: metric }).run();
    }
    this.#orm.delete(globalMetrics).where(gte(globalMetrics.position, metrics.length)).run();
  }

  load(): GlobalState | undefined {
    const row = this.#orm.select().from(globalStatistics).get();
    if (row === undefined) return undefined;
    const metrics = this.#orm.select().from(globalMetrics).orderBy(globalMetrics.position).all();
    return {
      journalId: row.journalId,
      lastProcessed: row.lastProcessed,
      ...readStatistics(row),
      metrics: metrics.map(readMetric),
    };
  }
}
