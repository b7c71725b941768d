/** An hour, and a minute more: Kafka refuses a timestamp that is more than an hour ahead of its own clock. */
export const CLOCK_STEP_MS = 61 * 60_000;
