/** What happens on the way to the output topic, counted since the start. */
import type { MetricTexts } from "./metric_texts.ts";

const events = {
  "acknowledged": {
    name: "plumbline_output_acknowledged_total",
    help: "Results that the output topic's broker has acknowledged",
  },
  "sent again": {
    name: "plumbline_output_sent_again_total",
    help: "Results sent again; the broker drops those that it has",
  },
  "unsure": {
    name: "plumbline_output_unsure_total",
    help: "Results sent again that the broker may have and can't recognise: duplicates, possibly",
  },
  "new producer id": {
    name: "plumbline_output_producer_ids_total",
    help: "Producer ids given to partitions of the output topic",
  },
  "folder older than broker": {
    name: "plumbline_output_older_folder_total",
    help:
      "Partitions whose broker has results that this data folder never sent: it is an older copy",
  },
  "lost by broker": {
    name: "plumbline_output_lost_by_broker_total",
    help: "Results that the broker once acknowledged and has no more",
  },
  "timestamp refused": {
    name: "plumbline_output_timestamp_refused_total",
    help: "Journal rows sent without a timestamp, because the broker refused it",
  },
  "split": {
    name: "plumbline_output_split_total",
    help: "Journal rows replaced by smaller ones, over the topic's max.message.bytes",
  },
  "refused": {
    name: "plumbline_output_refused_total",
    help: "Results that the output topic never takes; they are in the dead letters",
  },
  "offset not new": {
    name: "plumbline_output_offset_not_new_total",
    help: "New batches that the broker answered with an offset that isn't new; they are sent again",
  },
  "failures": {
    name: "plumbline_output_failures_total",
    help: "Failures on the way to the output topic, retries included",
  },
};

export type OutputEvent = keyof typeof events;

/** What holds for results on their way to the output topic. */
export interface OutputPromise {
  readonly client: string;
  readonly guarantee: "exactly_once" | "at_least_once";
}

export class OutputMetrics {
  readonly #counts = new Map<OutputEvent, number>();

  constructor(texts: MetricTexts, promise?: OutputPromise) {
    texts.gauge({
      name: "plumbline_output_delivery",
      help: "Always 1: what holds for the output topic, by the client that sends to it",
      labels: ["client", "guarantee"],
      values: () => promise ? [[{ ...promise }, 1]] : [],
    });
    for (const [event, metric] of Object.entries(events)) {
      const values = () => [[{}, this.#counts.get(event as OutputEvent) ?? 0] as const];
      texts.counter({ ...metric, labels: [], values });
    }
  }

  count(event: OutputEvent, count: number): void {
    this.#counts.set(event, (this.#counts.get(event) ?? 0) + count);
  }
}
