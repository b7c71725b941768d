/** The port to the newest results: for those who look on while they are made. */

/**
 * A place among all results: everything before record `record` of row `row` lies behind it. A place
 * behind a row's last record is the next row's beginning.
 */
export interface TailPosition {
  readonly row: number;
  readonly record: number;
  /** How many results lie before it, over the folder's whole life; undefined: not known. */
  readonly results: number | undefined;
}

/** A committed row; its bytes may be used for something else as soon as control is given back. */
export interface TailRow {
  readonly id: number;
  readonly count: number;
  readonly body: Uint8Array;
  /** Results that lie before its first one; undefined: not known. */
  readonly results: number | undefined;
  /** Where anomalies' marks stand in the body, see `core/anomaly_marks.ts`. Found out once. */
  anomalies(): readonly number[];
}

/** What comes at a position. */
export type TailStep =
  /** The position's row, or the first one behind it where nothing is missing in between. */
  | { readonly kind: "row"; readonly row: TailRow }
  /** Nothing is kept up to `next`. `missed`: results that lie in between; undefined: not known. */
  | { readonly kind: "skip"; readonly next: TailPosition; readonly missed: number | undefined };

/**
 * Committed results in the order of the journal, each once: those in the journal, and the newest ones in
 * memory. Synchronous. Throws what the store throws.
 */
export interface Tail {
  /** Names the data folder: positions of another one mean nothing here. */
  readonly folder: string;
  /** Behind the newest result. */
  end(): TailPosition;
  /** undefined: there is nothing behind the position yet. */
  next(at: TailPosition): TailStep | undefined;
  /** Somebody looks on until the answer is disposed of: newest results are kept in memory, for a minute longer than that. */
  watch(): Disposable;
  /** Calls back when rows have come while somebody looks on; never during a transaction. */
  onRows(wake: () => void): void;
}
