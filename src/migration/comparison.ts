/** The whole comparison: what was found, counted by its reason, with examples. */
import { atArrival, type ComparedResult, processedAt, readResult } from "./compared_result.ts";
import { type Difference, differences } from "./differences.ts";
import { join } from "./join.ts";
import { shortened, whyAlone } from "./one_sided.ts";
import type { ReadingTable } from "./reading_table.ts";
import { type Kind, type Reason, reasons, unexplained } from "./reasons.ts";
import type { Range, ResultTable, Row, Side } from "./result_table.ts";

export interface Example {
  readonly tenant?: string;
  readonly device?: string;
  readonly field?: string;
  readonly old?: unknown;
  readonly new?: unknown;
}

export interface Finding {
  readonly kind: Kind;
  readonly name: string;
  count: number;
  readonly examples: Example[];
}

export interface Comparison {
  readonly results: Readonly<Record<Side, number>>;
  /** Results that both sides have of the same reading. */
  readonly pairs: number;
  /** Plumbline's that came again under the same id: they count once. */
  readonly repeated: number;
  /** Readings that were given to look results up in; null: none were. */
  readonly readings: number | null;
  /** s by which Plumbline's `processed_at` is behind the old engine's; null: there are no pairs. */
  readonly later_seconds:
    | { readonly min: number; readonly mean: number; readonly max: number }
    | null;
  /** Results whose partner may still come; only while topics are followed. */
  readonly waiting?: Readonly<Record<Side, number>>;
  readonly findings: readonly Finding[];
}

export interface SettleOptions extends Range {
  readonly tolerance: number;
  /** Is told how many pairs there are, now and then. */
  readonly show?: (pairs: number) => void;
  /** The last round whose results have no partner any more that comes. */
  readonly until?: number;
  readonly readings: ReadingTable | null;
}

const EXAMPLES = 5;
const PAIRS_SHOWN = 1_000;
/** Of results that are alike, which may be all of a device's. */
const MAX_IDS = 100_000;

export class Findings {
  readonly #findings = new Map<string, Finding>();

  add(reason: Reason, example: Example): void {
    const key = `${reason.kind}\n${reason.name}`;
    const known = this.#findings.get(key);
    const finding = known ?? { ...reason, count: 0, examples: [] };
    if (known === undefined) this.#findings.set(key, finding);
    finding.count++;
    if (finding.examples.length < EXAMPLES) finding.examples.push(example);
  }

  list(): Finding[] {
    return [...this.#findings.values()].sort((a, b) => b.count - a.count);
  }
}

export class Comparer {
  readonly #table: ResultTable;
  readonly #findings: Findings;
  readonly #results = { old: 0, new: 0 };
  readonly #timeless = { old: 0, new: 0 };
  #oldFormat: ComparedResult["format"] | undefined;
  #round = 1;
  #pairs = 0;
  #repeated = 0;
  #later = { min: Infinity, sum: 0, max: -Infinity };

  constructor(table: ResultTable, findings: Findings) {
    this.#table = table;
    this.#findings = findings;
  }

  /** That have come, ever. */
  get results(): Readonly<Record<Side, number>> {
    return this.#results;
  }

  /** From 1; each `settle` ends one. */
  get round(): number {
    return this.#round;
  }

  /** Of the first result of the old side; undefined: it has none. */
  get oldFormat(): ComparedResult["format"] | undefined {
    return this.#oldFormat;
  }

  /** A value of one side, in the order of its arrival. */
  add(side: Side, text: string): void {
    const result = readResult(text);
    if (typeof result === "string") {
      const name = `the ${side} side has a value that is no result`;
      this.#findings.add(unexplained(name), { field: result, [side]: text.slice(0, 200) });
      return;
    }
    this.#results[side]++;
    if (result.second === null) this.#timeless[side]++;
    const { tenant, device, format } = result;
    const expected = side === "new" ? "plumbline" : this.#oldFormat ??= format;
    if (format !== expected) {
      const name = side === "new"
        ? "the new side has a result that is not Plumbline's"
        : "the old side has results of several formats";
      this.#findings.add(unexplained(name), { tenant, device, [side]: format });
    }
    this.#table.add(side, result, { value: text, round: this.#round });
  }

  /**
   * Joins what has come. Rows of a round after `until` wait for partners that may still come; without it
   * that was all, and none waits.
   */
  settle(options: SettleOptions): Comparison {
    const bySecond = (["old", "new"] as const).every((side) =>
      this.#timeless[side] < Math.max(1, this.#results[side])
    );
    const range = { bySecond, from: options.from, to: options.to };
    const shared = {
      both: (old: Row, now: Row, { exact }: { exact: boolean }) =>
        this.#pair(old, now, { ...options, exact }),
      isFresh: ({ round }: Row) => options.until !== undefined && round > options.until,
      keep: (side: Side, row: Row, { alike }: { alike: number }) =>
        this.#table.keep(side, row, alike),
    };
    join(this.#table.rows("old", range), this.#withoutRepeats(this.#table.rows("new", range)), {
      ...shared,
      bySecond,
      only: (side, row, { alike }) => {
        const result = readResult(row.value) as ComparedResult;
        // A reading that came without a time has another one at each engine: looked for below.
        if (bySecond && alike === 0 && atArrival(result)) this.#table.setAside(side, row);
        else this.#alone({ side, row, result, alike }, options);
      },
    });
    join(this.#table.asideRows("old"), this.#table.asideRows("new"), {
      ...shared,
      bySecond: false,
      only: (side, row, { alike }) =>
        this.#alone({ side, row, result: readResult(row.value) as ComparedResult, alike }, options),
    });
    this.#round++;
    const waiting = options.until === undefined ? undefined : this.#table.endRound();
    const { min, sum, max } = this.#later;
    return {
      results: { ...this.#results },
      pairs: this.#pairs,
      repeated: this.#repeated,
      readings: options.readings?.count ?? null,
      later_seconds: this.#pairs === 0 || max === -Infinity
        ? null
        : { min, mean: Math.round(1000 * sum / this.#pairs) / 1000, max },
      ...waiting === undefined ? {} : { waiting },
      findings: this.#findings.list(),
    };
  }

  #pair(
    old: Row,
    now: Row,
    { exact, tolerance, readings, show }: SettleOptions & { exact: boolean },
  ): void {
    this.#pairs++;
    if (this.#pairs % PAIRS_SHOWN === 0) show?.(this.#pairs);
    const [a, b] = [readResult(old.value), readResult(now.value)] as ComparedResult[];
    const seconds = Math.round(processedAt(b.fields) - processedAt(a.fields)) / 1000;
    if (!Number.isNaN(seconds)) {
      const { min, sum, max } = this.#later;
      this.#later = {
        min: Math.min(min, seconds),
        sum: sum + seconds,
        max: Math.max(max, seconds),
      };
    }
    const found = differences(a, b, { tolerance });
    const { tenant, device } = b;
    const add = ({ reason, ...example }: Difference) =>
      this.#findings.add(reason, { tenant, device, ...example });
    // The old engine has read a field that isn't there by its name.
    const isCaseless = !exact && readings !== null && a.format === "go" &&
      readings.find("new", b).reason?.name === reasons.caseless.name;
    for (const one of found) {
      const isKnown = isCaseless && one.reason.kind === "unexplained";
      add(isKnown ? { ...one, reason: reasons.caseless } : one);
    }
  }

  #alone(
    { side, row, ...lonely }: { side: Side; row: Row; result: ComparedResult; alike: number },
    { readings }: SettleOptions,
  ): void {
    const oldFormat = this.#oldFormat ?? "none";
    const reason = whyAlone({ side, ...lonely }, { oldFormat, readings });
    const { tenant, device } = lonely.result;
    this.#findings.add(reason, { tenant, device, [side]: shortened(row.value) });
  }

  /** Those of one id stand together: they are of one device, second and values. */
  *#withoutRepeats(rows: Iterable<Row>): Generator<Row, undefined> {
    let before: Row | undefined;
    let ids = new Set<string>();
    for (const row of rows) {
      const isAlike = before !== undefined && before.place === row.place &&
        before.second === row.second && before.measured === row.measured;
      if (!isAlike) ids = new Set();
      else if (ids.size === 0) ids.add(idOf(before!));
      const id = isAlike ? idOf(row) : "";
      const isRepeated = id !== "" && ids.has(id);
      before = row;
      if (isRepeated) this.#repeated++;
      else {
        if (id !== "" && ids.size < MAX_IDS) ids.add(id);
        yield row;
      }
    }
  }
}

function idOf({ value }: Row): string {
  const result = readResult(value);
  return typeof result !== "string" && typeof result.fields.id === "string" ? result.fields.id : "";
}
