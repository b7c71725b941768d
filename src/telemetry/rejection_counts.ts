/** Rejected readings by what was wrong, without what was sent. */

/** What a reason may begin with; there are no more labels than these and `other`. */
const kinds = [
  "device_id",
  "tenant_id",
  "temperature",
  "humidity",
  "metrics",
  "timestamp",
  "quota",
  "reading",
  "not JSON",
  "not UTF-8",
];

export class RejectionCounts {
  readonly #counts = new Map<string, number>([...kinds, "other"].map((kind) => [kind, 0]));

  add(reasons: readonly string[]): void {
    for (const reason of reasons) {
      const kind = kindOf(reason);
      this.#counts.set(kind, this.#counts.get(kind)! + 1);
    }
  }

  byKind(): ReadonlyMap<string, number> {
    return this.#counts;
  }
}

/** `metrics.pressure: expected a number…` is about `metrics`, a reason without a name about all of it. */
function kindOf(reason: string): string {
  if (reason.startsWith("expected an object")) return "reading";
  const start = /^[^:.]*/.exec(reason)![0];
  return kinds.includes(start) ? start : "other";
}
