/** The ground truth of a simulation: which device had which fault from when to when. */
import type { FaultKind } from "./faults.ts";
import type { Metric } from "./signal.ts";
import type { Simulation } from "./simulation.ts";

export interface Mark {
  readonly device: string;
  readonly tenant: string;
  readonly kind: FaultKind;
  /** Absent for silence, which takes all of them. */
  readonly metric?: Metric;
  /** Times of the first and last reading with the fault, or missing by it; RFC 3339. */
  readonly from: string;
  readonly to: string;
}

/** Follows a simulation reading by reading and hands out each fault when it is over. */
export class MarkKeeper {
  readonly #simulation: Simulation;
  /** The last reading seen of each device that has a fault now. */
  readonly #open = new Map<number, number>();

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
  }

  /** Takes note of a reading, sent or silent; the mark, if a fault ends with it. */
  note(number: number): Mark | undefined {
    const fault = this.#simulation.faultOf(number);
    if (fault === undefined) return undefined;
    const device = number % this.#simulation.settings.devices;
    if (this.#simulation.stepOf(number) < fault.last) {
      this.#open.set(device, number);
      return undefined;
    }
    this.#open.delete(device);
    return markOf(this.#simulation, number);
  }

  /** Faults that haven't ended, up to the last reading that was noted. */
  open(): Mark[] {
    return [...this.#open.values()].map((number) => markOf(this.#simulation, number));
  }
}

/** The mark of the fault at a reading, from its beginning to that reading. */
export function markOf(simulation: Simulation, number: number): Mark {
  const fault = simulation.faultOf(number);
  if (fault === undefined) throw new Error(`Mark a fault at reading ${number}: there is none`);
  const { devices } = simulation.settings;
  const first = number - (simulation.stepOf(number) - fault.first) * devices;
  const { device, tenant } = simulation.deviceOf(number);
  return {
    device,
    tenant,
    kind: fault.kind,
    ...(fault.metric === undefined ? {} : { metric: fault.metric }),
    from: new Date(simulation.timeOf(first)).toISOString(),
    to: new Date(simulation.timeOf(number)).toISOString(),
  };
}
