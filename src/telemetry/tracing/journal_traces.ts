import { ROOT_CONTEXT, type SpanContext, trace } from "../../../deps_otel.ts";

/** Rows whose trace is remembered; what waits for longer, or is from before the start, gets one of its own. */
const MAX_ROWS = 10_000;

/** Which trace a journal row belongs to, while that is remembered. */
export class JournalTraces {
  readonly #traces = new Map<number, SpanContext>();

  set(row: number, batch: SpanContext): void {
    this.#traces.set(row, batch);
    if (this.#traces.size <= MAX_ROWS) return;
    for (const oldest of this.#traces.keys()) {
      this.#traces.delete(oldest);
      return;
    }
  }

  /** The context for spans about the row. */
  contextOf(row: number) {
    const batch = this.#traces.get(row);
    return batch === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, batch);
  }
}
