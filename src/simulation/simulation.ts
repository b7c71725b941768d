/**
 * A fleet of sensors that doesn't exist. Readings are numbered: reading `i` is what device
 * `i % devices` sends in its step `i / devices`. Each is a function of the settings and its number
 * alone, so the same settings give the same readings, from wherever one begins.
 */
import { type Fault, faultAt, type FaultKind } from "./faults.ts";
import { mix } from "./random.ts";
import { type Metric, noise, rhythm } from "./signal.ts";

export interface SimulationSettings {
  /** A whole number from 0 to 2^32 - 1. */
  readonly seed: number;
  /** At least 1. */
  readonly devices: number;
  /** At least 1; devices are dealt to them in turn. */
  readonly tenants: number;
  /** Simulated time of reading 0, in ms since 1970. */
  readonly start: number;
  /** Simulated time between two readings of one device, in ms. */
  readonly stepMs: number;
  /** Which faults there are. */
  readonly faults: readonly FaultKind[];
}

/** Who sends a reading. */
export interface SimulatedDevice {
  readonly device: string;
  readonly tenant: string;
}

export interface SimulatedReading extends SimulatedDevice {
  /** The reading's number. */
  readonly number: number;
  /** ms since 1970. */
  readonly time: number;
  readonly temperature: number;
  readonly humidity: number;
}

const machines = ["press", "pump", "oven", "chiller", "fan", "mill", "dryer"];

export class Simulation {
  readonly settings: SimulationSettings;

  constructor(settings: SimulationSettings) {
    this.settings = settings;
  }

  deviceOf(number: number): SimulatedDevice {
    const { devices, tenants } = this.settings;
    const index = number % devices;
    const machine = machines[Math.floor(index / tenants) % machines.length];
    return {
      device: `${machine}-${String(index + 1).padStart(3, "0")}`,
      tenant: `plant-${index % tenants + 1}`,
    };
  }

  /** Which reading of its device this is, from 0. */
  stepOf(number: number): number {
    return Math.floor(number / this.settings.devices);
  }

  /** When the reading is taken, in ms since 1970. */
  timeOf(number: number): number {
    const { start, stepMs, devices } = this.settings;
    return Math.round(start + (number / devices) * stepMs);
  }

  /** The fault that the reading's device has at that moment. */
  faultOf(number: number): Fault | undefined {
    const { seed, devices, faults } = this.settings;
    return faultAt(mix(seed, number % devices), { step: this.stepOf(number), kinds: faults });
  }

  /** The reading; undefined where the device is silent. */
  reading(number: number): SimulatedReading | undefined {
    const fault = this.faultOf(number);
    if (fault?.kind === "silence") return undefined;
    return {
      ...this.deviceOf(number),
      number,
      time: this.timeOf(number),
      temperature: this.#measured(number, { metric: "temperature", fault }),
      humidity: this.#measured(number, { metric: "humidity", fault }),
    };
  }

  #measured(
    number: number,
    { metric, fault }: { metric: Metric; fault: Fault | undefined },
  ): number {
    if (fault?.metric !== metric) return twoPlaces(this.#sound(number, metric));
    const step = this.stepOf(number);
    switch (fault.kind) {
      case "spike":
        return twoPlaces(this.#sound(number, metric) + fault.change);
      case "drift": {
        const share = (step - fault.first + 1) / (fault.last - fault.first + 1);
        return twoPlaces(this.#sound(number, metric) + fault.change * share);
      }
      default: {
        const before = number - (step - fault.first + 1) * this.settings.devices;
        return twoPlaces(this.#sound(before, metric));
      }
    }
  }

  /** What the sensor would show without any fault. */
  #sound(number: number, metric: Metric): number {
    const { seed, devices } = this.settings;
    const own = mix(seed, number % devices);
    const sensor = { seed: mix(own, metric === "temperature" ? 1 : 2), metric };
    return rhythm(sensor, this.timeOf(number)) + noise(sensor, this.stepOf(number));
  }
}

/** As a sensor with a display of two decimals would send it. */
function twoPlaces(value: number): number {
  return Math.round(value * 100) / 100;
}

/** The reading as it is sent (contract, section 1): one JSON object. */
export function readingText(reading: SimulatedReading): string {
  return JSON.stringify({
    device_id: reading.device,
    tenant_id: reading.tenant,
    temperature: reading.temperature,
    humidity: reading.humidity,
    timestamp: new Date(reading.time).toISOString(),
  });
}
