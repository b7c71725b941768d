/**
 * Spans by OpenTelemetry's API; Deno exports them where `OTEL_DENO` is set. A batch is a trace: judging
 * and committing it, and each time that its rows or results are sent. The request that a batch came in
 * with is another trace: a batch may have come in with many.
 */
import {
  context,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from "../../../deps_otel.ts";
import type { CommittedBatch, JournalRow, OutputFeed } from "../../pipeline/ports.ts";
import { positionsOf } from "../batch_line.ts";
import { JournalTraces } from "./journal_traces.ts";
import { TracedOutputFeed } from "./traced_output_feed.ts";

/** What tells its spans. */
export interface Tracing {
  /** The batch's spans, all of which have ended; the answer is its trace's id. */
  batch(batch: CommittedBatch): string;
  /** The feed with a span for each time that a row is sent. */
  output(feed: OutputFeed, topic: string): OutputFeed;
  /** Posts a result by `send`, within a span. */
  post<T extends { readonly stored: boolean; readonly cause?: string }>(
    result: { readonly row: number; readonly id: string },
    send: () => Promise<T>,
  ): Promise<T>;
}

export function createTracing({ version }: { version: string }): Tracing {
  const tracer = trace.getTracer("plumbline", version);
  const traces = new JournalTraces();

  return {
    batch(batch) {
      const { counters, rows, times } = batch;
      const whole = tracer.startSpan("batch", {
        startTime: at(times.started),
        attributes: {
          "plumbline.readings": counters.read,
          "plumbline.results": counters.results,
          "plumbline.rejected": counters.rejected,
          "plumbline.attempts": times.attempts,
          ...originOf(batch),
        },
      }, ROOT_CONTEXT);
      const inside = trace.setSpan(ROOT_CONTEXT, whole);
      const part = (name: string, from: number, to: number) =>
        tracer.startSpan(name, { startTime: at(from) }, inside).end(at(to));
      part("judge", times.started, times.judged);
      part("commit", times.judged, times.committed);
      whole.end(at(times.committed));
      for (const { id } of rows) traces.set(id, whole.spanContext());
      return whole.spanContext().traceId;
    },

    output(feed, topic) {
      return new TracedOutputFeed(feed, (row) => {
        const attributes = {
          "messaging.system": "kafka",
          "messaging.destination.name": topic,
          "messaging.destination.partition.id": `${row.lane}`,
          "messaging.batch.message_count": row.count,
          ...journalAttribute(row),
        };
        const options = { kind: SpanKind.PRODUCER, attributes };
        const span = tracer.startSpan("send output", options, traces.contextOf(row.id));
        return (failure) => end(span, failure);
      });
    },

    async post({ row, id }, send) {
      const span = tracer.startSpan(
        "send storage",
        { attributes: { "plumbline.reading.id": id, ...journalAttribute({ id: row }) } },
        traces.contextOf(row),
      );
      const outcome = await context.with(trace.setSpan(ROOT_CONTEXT, span), send);
      end(span, outcome.stored ? undefined : outcome.cause);
      return outcome;
    },
  };
}

/** `failure`: what has gone wrong, if anything has. */
function end(span: Span, failure: string | undefined): void {
  if (failure !== undefined) {
    span.setStatus({ code: SpanStatusCode.ERROR, message: failure });
  }
  span.end();
}

function originOf(batch: CommittedBatch) {
  const { submitted } = batch;
  if (submitted !== null) {
    return {
      "plumbline.reading.first_id": submitted.first,
      "plumbline.reading.last_id": submitted.last,
    };
  }
  return { "messaging.system": "kafka", "plumbline.positions": positionsOf(batch) };
}

function journalAttribute({ id }: Pick<JournalRow, "id">) {
  return { "plumbline.journal.id": id };
}

/** ms since 1970 of a time by `performance.now()`. */
function at(time: number): number {
  return performance.timeOrigin + time;
}
