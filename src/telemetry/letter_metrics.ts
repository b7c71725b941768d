/** The dead letters in numbers, asked for at the moment of a scrape. */
import type { LetterCounts } from "../pipeline/ports.ts";
import type { MetricTexts } from "./metric_texts.ts";

/** Of these only how many there are is told here; why, the letters say themselves. */
export function registerLetterMetrics(texts: MetricTexts, counts: () => LetterCounts): void {
  const bySink = (value: (of: LetterCounts["kept"][number]) => number) =>
    counts().kept.map((of) => [{ sink: of.sink === "" ? "input" : of.sink }, value(of)] as const);

  texts.gauge({
    name: "plumbline_dead_letters_kept",
    help: "Dead letters that are kept: rejected readings (input), and results by who refused them",
    labels: ["sink"],
    values: () => bySink(({ count }) => count),
  });
  texts.gauge({
    name: "plumbline_dead_letters_kept_bytes",
    help: "Bytes of the readings and results in the dead letters",
    labels: ["sink"],
    values: () => bySink(({ bytes }) => bytes),
  });
  texts.counter({
    name: "plumbline_sink_dead_letters_total",
    help: "Results that sinks have refused for good, ever",
    labels: [],
    values: () => [[{}, counts().refused]],
  });
  texts.counter({
    name: "plumbline_dead_letters_gone_total",
    help: "Dead letters that are kept no more, ever: fell off by the bounds, replayed or discarded",
    labels: ["how"],
    values: () => {
      const { dropped, replayed, discarded } = counts();
      return Object.entries({ dropped, replayed, discarded }).map(([how, n]) => [{ how }, n]);
    },
  });
  texts.counter({
    name: "plumbline_dead_letter_copies_total",
    help: "What became of the copies to DEAD_LETTER_TOPIC, ever; missed: fell off before",
    labels: ["outcome"],
    values: () => {
      const { sent, tooLarge, missed } = counts().copy;
      const outcomes = { sent, too_large: tooLarge, missed };
      return Object.entries(outcomes).map(([outcome, n]) => [{ outcome }, n]);
    },
  });
  texts.gauge({
    name: "plumbline_dead_letter_copy_behind",
    help: "Dead letters that wait for their copy, at most; nothing without DEAD_LETTER_TOPIC",
    labels: [],
    values: () => {
      const { behind } = counts().copy;
      return behind === null ? [] : [[{}, behind]];
    },
  });
}
