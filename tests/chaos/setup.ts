/** What the parts of a run must know of it. */

export const INPUT = "chaos-in";
export const OUTPUT = "chaos-out";
export const PARTITIONS = 4;
/** Readings a second by Kafka. */
export const PER_SECOND = 500;
