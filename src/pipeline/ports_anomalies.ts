/** The ports to the anomalies: written with their batch, read page by page. */
import { type Anomaly, type AnomalyBlock } from "../core/anomaly_block.ts";

export type { Anomaly, AnomalyBlock };

/** What an anomaly must have; what isn't given doesn't matter. */
export interface AnomalyFilter {
  /** One of these. */
  readonly tenants?: ReadonlySet<string>;
  readonly device?: string;
  /** Its reading's timestamp is this or later, ms since 1970. */
  readonly since?: number;
  /** Before this time. */
  readonly until?: number;
  readonly minScore?: number;
}

export interface AnomalyBounds {
  readonly maxCount: number;
  readonly maxAgeMs: number;
}

/** Synchronous, about the state after the last commit. */
export interface AnomalyReader {
  /**
   * The newest first, those processed last; with `before` those with a lower number. Looks at a bounded
   * number of them: there may be more where `end` is given, the number to go on before.
   */
  page(options: { before?: number; limit: number; filter: AnomalyFilter }): {
    anomalies: Anomaly[];
    end: number | undefined;
  };
  /** How many are kept, and how many have fallen off, ever. */
  counts(): { readonly kept: number; readonly dropped: number };
}
