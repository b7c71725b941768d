import { type Device } from "../core/device.ts";
import { Series, type Totals } from "../core/series.ts";
import {
  type DeviceState,
  type DeviceView,
  type ReadingColumn,
  type SeriesState,
  type SeriesView,
  type Statistics,
  type Store,
  type WindowView,
} from "./ports.ts";
import { type State } from "./state.ts";

/** A page ends early once it has so many values of windows: their number is a setting. */
const MAX_PAGE_VALUES = 500_000;

/** Answers from memory and, for devices that were put away, from the store. */
export class StateStatistics implements Statistics {
  readonly #state: State;
  readonly #store: Store;
  readonly #lifecycle: { running: boolean; startedAt: number };

  constructor(
    state: State,
    of: { store: Store; lifecycle: { running: boolean; startedAt: number } },
  ) {
    this.#state = state;
    this.#store = of.store;
    this.#lifecycle = of.lifecycle;
  }

  global(): ReturnType<Statistics["global"]> {
    const { temperature, humidity, metrics } = this.#state.engine.totals;
    return {
      temperature: viewOf(temperature),
      humidity: viewOf(humidity),
      metrics: [...metrics].map(([name, totals]) => ({ name, series: viewOf(totals) })),
    };
  }

  device(tenant: string, device: string): DeviceView | undefined {
    return this.#view({ tenant, device }, { readings: true });
  }

  readings(tenant: string, device: string): ReadingColumn[] | undefined {
    const found = this.#known(tenant, device);
    if (found !== undefined) {
      return columnsOf(found.temperature, found.humidity, [...found.metrics ?? []]);
    }
    const stored = this.#store.devices.load(tenant, device);
    if (stored === undefined) return undefined;
    const length = this.#state.engine.fleet.windowLength(tenant);
    const series = (state: SeriesState) => Series.fromState(state, length);
    const further = stored.metrics.map((it): [string, Series] => [it.name, series(it.series)]);
    return columnsOf(series(stored.temperature), series(stored.humidity), further);
  }

  tenantsOf(device: string): string[] {
    return this.#store.devices.tenantsOf(device);
  }

  knows(tenant: string, device: string): boolean {
    return this.#state.engine.fleet.inMemory(tenant, device) !== undefined ||
      this.#store.devices.load(tenant, device) !== undefined;
  }

  page(options: Parameters<Statistics["page"]>[0]): ReturnType<Statistics["page"]> {
    const { limit } = options;
    const keys = this.#store.devices.page({ ...options, limit: limit + 1 });
    const devices: ReturnType<Statistics["page"]>["devices"] = [];
    let asked = 0, values = 0;
    while (asked < Math.min(keys.length, limit) && values < MAX_PAGE_VALUES) {
      const key = keys[asked++];
      const view = this.#view(key, options);
      if (view === undefined) continue;
      devices.push({ ...view, shared: key.shared });
      values += valuesIn(view);
    }
    return { devices, more: keys.length > asked };
  }

  /** From memory, or else from the store. */
  #view(
    { tenant, device }: { tenant: string; device: string },
    wanted: { readings: boolean },
  ): DeviceView | undefined {
    const found = this.#known(tenant, device);
    if (found !== undefined) return viewOfDevice(found, wanted);
    const stored = this.#store.devices.load(tenant, device);
    return stored === undefined ? undefined : this.#viewOfStored(stored, wanted);
  }

  /** In memory, and something is known of it. */
  #known(tenant: string, device: string): Device | undefined {
    const found = this.#state.engine.fleet.inMemory(tenant, device);
    return found === undefined || found.isBlank ? undefined : found;
  }

  #viewOfStored(stored: DeviceState, wanted: { readings: boolean }): DeviceView {
    const length = this.#state.engine.fleet.windowLength(stored.tenant);
    const view = (state: SeriesState) => viewOfSeries(Series.fromState(state, length), wanted);
    return {
      tenant: stored.tenant,
      device: stored.device,
      temperature: view(stored.temperature),
      humidity: view(stored.humidity),
      metrics: stored.metrics.map(({ name, series }) => ({ name, window: view(series) })),
      lastSeen: stored.lastSeen,
    };
  }

  processing(): ReturnType<Statistics["processing"]> {
    const { counters, engine } = this.#state;
    return {
      running: this.#lifecycle.running,
      messagesProcessed: counters.results,
      lastProcessed: engine.totals.lastProcessed,
      lastStarted: this.#lifecycle.startedAt,
      errors: counters.rejected,
      sampledOut: counters.sampledOut,
    };
  }
}

function viewOf(totals: Totals): SeriesView {
  return totals.view;
}

function viewOfDevice(device: Device, wanted: { readings: boolean }): DeviceView {
  const { metrics } = device;
  return {
    tenant: device.tenant.name,
    device: device.id,
    temperature: viewOfSeries(device.temperature, wanted),
    humidity: viewOfSeries(device.humidity, wanted),
    metrics: metrics === null
      ? []
      : [...metrics].map(([name, series]) => ({ name, window: viewOfSeries(series, wanted) })),
    lastSeen: device.lastSeen,
  };
}

function viewOfSeries(series: Series, wanted: { readings: boolean }): WindowView {
  const window = series.window;
  const empty = window.count === 0;
  return {
    readings: wanted.readings ? window.values() : [],
    avg: empty ? null : window.mean(),
    min: empty ? null : window.min,
    max: empty ? null : window.max,
    count: series.count,
  };
}

function columnsOf(
  temperature: Series,
  humidity: Series,
  further: readonly (readonly [string, Series])[],
): ReadingColumn[] {
  const column = (metric: string, { window }: Series, further: boolean) => ({
    metric,
    further,
    values: window.values(),
    times: window.times(),
  });
  return [
    column("temperature", temperature, false),
    column("humidity", humidity, false),
    ...further.map(([name, series]) => column(name, series, true)),
  ];
}

function valuesIn({ temperature, humidity, metrics }: DeviceView): number {
  const values = temperature.readings.length + humidity.readings.length;
  return metrics.reduce((sum, { window }) => sum + window.readings.length, values);
}
