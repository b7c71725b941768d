import { copyLiteral, type Literal, literal } from "../literal.ts";
import { writeNumber } from "../number.ts";

/** Fires when a value lies outside [min, max]; the bounds themselves are normal. */
export interface RangeSettings {
  readonly type: "range";
  readonly metric: string;
  /** -Infinity: no lower bound. */
  readonly min: number;
  /** Infinity: no upper bound. */
  readonly max: number;
  /** What it adds to the score when it fires. */
  readonly weight: number;
}

/** More than a metric's name of 64 characters and three numbers of 25 take. */
const MAX_REASON = 512;

/** The detector `range`: no state, nothing but the value counts. */
export class RangeDetector {
  readonly settings: RangeSettings;
  readonly metric: string;
  readonly weight: number;
  readonly #min: number;
  readonly #max: number;
  /** A reason is one of these around the value: JSON, as a result shows it. */
  readonly #head: Literal;
  readonly #above: Literal;
  readonly #below: Literal;

  constructor(settings: RangeSettings) {
    const { metric, min, max, weight } = settings;
    this.settings = settings;
    this.metric = metric;
    this.weight = weight;
    this.#min = min;
    this.#max = max;
    const head = JSON.stringify({ detector: "range", metric, score: weight });
    this.#head = literal(`${head.slice(0, -1)},"detail":"`);
    this.#above = literal(` is above ${max}"}`);
    this.#below = literal(` is below ${min}"}`);
  }

  /** NaN, an absent value, never fires. */
  fires(value: number): boolean {
    return value < this.#min || value > this.#max;
  }

  /** Writes why it fired, `{"detector":"range",…,"detail":"35.2 is above 30"}`; returns the end. */
  writeReason(view: DataView, at: number, value: number): number {
    at = writeNumber(view, copyLiteral(view, at, this.#head), value);
    return copyLiteral(view, at, value > this.#max ? this.#above : this.#below);
  }

  /** The same as text. */
  reason(value: number): string {
    const view = new DataView(new ArrayBuffer(MAX_REASON));
    const end = this.writeReason(view, 0, value);
    return new TextDecoder().decode(new Uint8Array(view.buffer, 0, end));
  }
}
