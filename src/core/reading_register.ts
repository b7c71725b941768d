import { MAX_TIMESTAMP_LENGTH } from "./timestamp.ts";

/** Longest `device_id` and `tenant_id`, in code points. */
export const MAX_NAME_LENGTH = 256;
/** Further metrics of one reading. */
export const MAX_METRICS = 32;
/** Longest name of a further metric, in characters. */
export const MAX_METRIC_NAME_LENGTH = 64;

/** The tenant of a reading that names none. */
export const DEFAULT_TENANT = "default";

const MAX_UTF8_LENGTH = 4;
/** Two names at their longest, and a string as long as a timestamp that needn't be ASCII yet. */
const SCRATCH_SIZE = (2 * MAX_NAME_LENGTH + MAX_TIMESTAMP_LENGTH) * MAX_UTF8_LENGTH;

const NOTHING = new Uint8Array(0);

/**
 * A register that holds one reading. One instance is reused for every reading, so that nothing is
 * allocated per reading. Its ranges are valid until the next parse: they point into `bytes`, which is
 * the input or, where a text doesn't stand there as it is meant, the register's own scratch buffer.
 * After a parse that failed its contents mean nothing.
 */
export class Reading {
  bytes: Uint8Array = NOTHING;
  /** `device_id` as UTF-8, unescaped. */
  deviceStart = 0;
  deviceEnd = 0;
  /** `tenant_id` as UTF-8, unescaped; the bytes of `default` where the reading names no tenant. */
  tenantStart = 0;
  tenantEnd = 0;
  /** NaN: absent. Never infinite, never -0. */
  temperature = NaN;
  humidity = NaN;
  /** The timestamp as it was sent, ASCII; empty: absent. */
  timestampStart = 0;
  timestampEnd = 0;
  /** The timestamp has no zone: it is UTC, and a `Z` must be appended where it is shown. */
  naive = false;
  /** The timestamp in ms since 1970, with its fraction of a ms; NaN: absent. */
  time = NaN;
  /** Of a result that was read back: what its reading was given. */
  score = NaN;
  /** How many of `metricNames` and `metricValues` belong to this reading; what follows is of older ones. */
  metricCount = 0;
  readonly metricNames: string[] = [];
  /** Never infinite, never -0. */
  readonly metricValues: Float64Array = new Float64Array(MAX_METRICS);
  /** Only for the parsers. */
  readonly scratch: Uint8Array = new Uint8Array(SCRATCH_SIZE);
}
