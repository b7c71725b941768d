/** What the oracle has to say: differences by kind, each with how often it was seen and a few examples. */

export interface Difference {
  readonly kind: string;
  readonly count: number;
  readonly examples: readonly string[];
}

const EXAMPLES = 5;

export class Findings {
  readonly #kinds = new Map<string, { count: number; examples: string[] }>();

  add(kind: string, example: string): void {
    let entry = this.#kinds.get(kind);
    if (entry === undefined) this.#kinds.set(kind, entry = { count: 0, examples: [] });
    entry.count++;
    if (entry.examples.length < EXAMPLES) entry.examples.push(example);
  }

  /** Adds the difference if the two aren't equal as JSON. */
  compare(kind: string, found: { at: string; got: unknown; expected: unknown }): void {
    const got = JSON.stringify(found.got);
    const expected = JSON.stringify(found.expected);
    if (got !== expected) this.add(kind, `${found.at}: got ${got}, expected ${expected}`);
  }

  /** Empty: nothing differs. */
  list(): Difference[] {
    return [...this.#kinds].map(([kind, entry]) => ({ kind, ...entry }));
  }
}

/** One text for an assertion's message; empty: no difference. */
export function describe(differences: readonly Difference[]): string {
  return differences
    .map((one) => `${one.kind} (${one.count}):\n  ${one.examples.join("\n  ")}`)
    .join("\n");
}
