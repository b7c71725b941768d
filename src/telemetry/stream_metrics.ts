/** Those who look on at the results, in numbers, asked for at the moment of a scrape. */
import type { MetricTexts } from "./metric_texts.ts";

export interface StreamNumbers {
  readonly readers: number;
  /** Dropped, and still connected. */
  readonly clinging: number;
  /** Since the start, by type. */
  readonly events: Readonly<Record<string, number>>;
  /** Since the start, by reason. */
  readonly dropped: Readonly<Record<string, number>>;
  readonly refused: number;
}

export function registerStreamMetrics(texts: MetricTexts, numbers: () => StreamNumbers): void {
  const by =
    (label: string, counts: (of: StreamNumbers) => Readonly<Record<string, number>>) => () =>
      Object.entries(counts(numbers())).map(([value, n]) => [{ [label]: value }, n] as const);

  texts.gauge({
    name: "plumbline_stream_readers",
    help: "Readers of GET /api/stream; bounded by STREAM_MAX_READERS",
    labels: [],
    values: () => [[{}, numbers().readers]],
  });
  texts.gauge({
    name: "plumbline_stream_clinging",
    help: "Readers of the stream that were dropped and haven't closed their connections",
    labels: [],
    values: () => [[{}, numbers().clinging]],
  });
  texts.counter({
    name: "plumbline_stream_events_total",
    help: "Events made for readers of the stream, by type",
    labels: ["type"],
    values: by("type", ({ events }) => events),
  });
  texts.counter({
    name: "plumbline_stream_dropped_total",
    help:
      "Readers of the stream that were dropped: nothing was taken for 30 s, or they fell behind",
    labels: ["reason"],
    values: by("reason", ({ dropped }) => dropped),
  });
  texts.counter({
    name: "plumbline_stream_refused_total",
    help: "Readers of the stream that were refused, there were too many",
    labels: [],
    values: () => [[{}, numbers().refused]],
  });
}
