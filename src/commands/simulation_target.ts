/** Where simulated readings are sent. */
import type { SimulatedReading } from "../simulation/simulation.ts";

/** What became of the readings of one `send`: each is counted in exactly one place. */
export interface Delivery {
  readonly accepted: number;
  readonly rejected: readonly Rejection[];
  /** Not taken, as far as is known: to be sent again. */
  readonly unsent: readonly SimulatedReading[];
  /** Why some are unsent. */
  readonly failure?: Failure;
}

export interface Rejection {
  readonly reading: SimulatedReading;
  readonly message: string;
}

export interface Failure {
  readonly message: string;
  /** The target asks to be left alone for so long. */
  readonly retryAfterMs?: number;
  /** Sending again can't help. */
  readonly final?: boolean;
}

export interface Target {
  /** In words. */
  readonly name: string;
  /** The most readings of one `send`. */
  readonly maxBatch: number;
  /** Never throws: what goes wrong is part of the answer. A device's readings are taken in order. */
  send(readings: readonly SimulatedReading[]): Promise<Delivery>;
  close(): Promise<void>;
}
