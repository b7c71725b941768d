import { type Device } from "../core/device.ts";
import { Series, type Totals } from "../core/series.ts";
import {
  type DeviceState,
  type DeviceView,
  type SeriesView,
  type Statistics,
  type Store,
  type WindowView,
} from "./ports.ts";
import { type State } from "./state.ts";

/** Answers from memory and, for devices that were put away, from the store. */
export class StateStatistics implements Statistics {
  readonly #state: State;
  readonly #store: Store;
  readonly #lifecycle: { running: boolean; startedAt: number };
  readonly #maxReadings: number;

  constructor(
    state: State,
    of: { store: Store; maxReadings: number; lifecycle: { running: boolean; startedAt: number } },
  ) {
    this.#state = state;
    this.#store = of.store;
    this.#maxReadings = of.maxReadings;
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
    const found = this.#state.engine.fleet.inMemory(tenant, device);
    // A device all of whose readings were sampled out is in memory, but nothing is known of it.
    if (found !== undefined && !(found.isNew && found.dirtySince === 0)) return viewOfDevice(found);
    const stored = this.#store.devices.load(tenant, device);
    return stored === undefined ? undefined : viewOfState(stored, this.#maxReadings);
  }

  tenantsOf(device: string): string[] {
    return this.#store.devices.tenantsOf(device);
  }

  page(options: Parameters<Statistics["page"]>[0]): ReturnType<Statistics["page"]> {
    const keys = this.#store.devices.page({ ...options, limit: options.limit + 1 });
    const devices: DeviceView[] = [];
    for (const { tenant, device } of keys.slice(0, options.limit)) {
      const view = this.device(tenant, device);
      if (view !== undefined) devices.push(view);
    }
    return { devices, more: keys.length > options.limit };
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

function viewOfDevice(device: Device): DeviceView {
  return {
    tenant: device.tenant.name,
    device: device.id,
    temperature: viewOfSeries(device.temperature),
    humidity: viewOfSeries(device.humidity),
    metrics: [...device.metrics ?? []].map(([name, series]) => ({
      name,
      window: viewOfSeries(series),
    })),
    lastSeen: device.lastSeen,
  };
}

function viewOfState(state: DeviceState, maxReadings: number): DeviceView {
  return {
    tenant: state.tenant,
    device: state.device,
    temperature: viewOfSeries(Series.fromState(state.temperature, maxReadings)),
    humidity: viewOfSeries(Series.fromState(state.humidity, maxReadings)),
    metrics: state.metrics.map(({ name, series }) => ({
      name,
      window: viewOfSeries(Series.fromState(series, maxReadings)),
    })),
    lastSeen: state.lastSeen,
  };
}

function viewOfSeries(series: Series): WindowView {
  const window = series.window;
  const empty = window.count === 0;
  return {
    readings: window.values(),
    avg: empty ? null : window.mean(),
    min: empty ? null : window.min,
    max: empty ? null : window.max,
    count: series.count,
  };
}
