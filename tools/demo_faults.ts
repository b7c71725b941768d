/** Holds the simulator's marks against what the engine answers: which fault did a detector see? */
import { type Mark, markOf } from "../src/simulation/marks.ts";
import type { SimulatedReading, Simulation } from "../src/simulation/simulation.ts";

/** As far as the demo reads the engine's result (contract, section 2). */
export interface Result {
  readonly is_anomaly: boolean;
  readonly reasons?: readonly { detector: string; metric: string; detail: string }[];
}

export interface Seen {
  readonly device: string;
  readonly tenant: string;
  /** ms since 1970. */
  readonly time: number;
  /** The engine's reason: `48.31 is above 30`. */
  readonly reason: string;
  /** What it really was, by the simulator's marks. */
  readonly kind: string;
}

/** A fault that is over, and that no detector has seen. */
export interface Unseen {
  readonly mark: Mark;
  /** Readings with the fault, or missing by it. */
  readonly steps: number;
}

interface Watched {
  readonly number: number;
  readonly first: number;
  seen: boolean;
}

export class FaultWatch {
  /** Results that were anomalies, since the demo's start. */
  anomalies = 0;
  readonly #simulation: Simulation;
  readonly #on: { seen: (it: Seen) => void; unseen: (it: Unseen) => void };
  /** Faults going on, by device's place in the fleet. */
  readonly #open = new Map<number, Watched>();
  /** Faults that are over and whose last answers may still be on their way. */
  #over: Watched[] = [];

  constructor(
    simulation: Simulation,
    on: { seen: (it: Seen) => void; unseen: (it: Unseen) => void },
  ) {
    this.#simulation = simulation;
    this.#on = on;
  }

  /** A reading is about to be sent, or is silent. */
  number(number: number): void {
    const fault = this.#simulation.faultOf(number);
    if (fault === undefined) return;
    const place = number % this.#simulation.settings.devices;
    const { seen = false } = this.#open.get(place) ?? {};
    const watched = { number, first: fault.first, seen };
    this.#open.set(place, watched);
    if (this.#simulation.stepOf(number) === fault.last) this.#over.push(watched);
  }

  /** The engine's answer to a reading. */
  result(reading: SimulatedReading, { is_anomaly, reasons = [] }: Result): void {
    if (!is_anomaly) return;
    this.anomalies++;
    const fault = this.#simulation.faultOf(reading.number);
    const watched = this.#open.get(reading.number % this.#simulation.settings.devices);
    // One line a fault: a drift beyond the bounds would write hundreds.
    if (fault !== undefined && watched?.first === fault.first) {
      if (watched.seen) return;
      watched.seen = true;
    }
    const reason = reasons.map(({ metric, detail }) => `${metric} ${detail}`).join(", ");
    const { device, tenant, time } = reading;
    this.#on.seen({ device, tenant, time, reason, kind: fault?.kind ?? "no fault" });
  }

  /** Every answer to the readings so far has come. */
  settled(): void {
    for (const watched of this.#over) {
      this.#open.delete(watched.number % this.#simulation.settings.devices);
      if (watched.seen) continue;
      const steps = this.#simulation.stepOf(watched.number) - watched.first + 1;
      this.#on.unseen({ mark: markOf(this.#simulation, watched.number), steps });
    }
    this.#over = [];
  }
}
