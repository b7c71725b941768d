import { backoffMs } from "./backoff.ts";
import { type Pause, type Pauses } from "./pauses.ts";

interface Gate {
  failures: number;
  /** Who may try now. */
  holder: unknown;
  pause: Pause | undefined;
  readonly waiting: Map<unknown, () => void>;
}

/**
 * One at a time tries a place that fails, less and less often; the others wait for what that shows, and
 * go on together when it works again. Places are a broker's addresses; those that try are lanes.
 */
export class Turns {
  readonly #pauses: Pauses;
  readonly #random: () => number;
  readonly #gates = new Map<string, Gate>();

  constructor(options: { pauses: Pauses; random: () => number }) {
    this.#pauses = options.pauses;
    this.#random = options.random;
  }

  isFailing(place: string): boolean {
    return this.#gates.has(place);
  }

  /**
   * Resolves when `who` may try, and when the pauses have ended. It holds the turn then, until it
   * fails, passes or leaves. `placeOf` is asked again whenever it has waited.
   */
  async take(who: unknown, placeOf: () => string): Promise<void> {
    while (!this.#pauses.ended) {
      const place = placeOf();
      const gate = this.#gates.get(place);
      if (gate === undefined) return;
      if (gate.holder !== undefined && gate.holder !== who) {
        await new Promise<void>((resolve) => gate.waiting.set(who, resolve));
        if (placeOf() !== place) this.leave(who);
        continue;
      }
      gate.holder = who;
      gate.pause = this.#pauses.begin(backoffMs(gate.failures - 1, this.#random));
      await gate.pause.over;
      gate.pause = undefined;
      if (placeOf() === place) return;
      this.leave(who);
    }
  }

  /** What several report of one failure counts once: only who holds the turn makes the pauses longer. */
  failed(place: string, who: unknown): void {
    const gate = this.#gates.get(place);
    if (gate === undefined) {
      const waiting = new Map<unknown, () => void>();
      this.#gates.set(place, { failures: 1, holder: undefined, pause: undefined, waiting });
    } else if (gate.holder === who) {
      gate.failures++;
      hand(gate);
    }
  }

  /** It works: nobody waits for a turn there any more. */
  passed(place: string): void {
    const gate = this.#gates.get(place);
    if (gate === undefined) return;
    this.#gates.delete(place);
    gate.pause?.end();
    wake(gate);
  }

  /** `who` gives its turn up, wherever it has one. */
  leave(who: unknown): void {
    for (const gate of this.#gates.values()) if (gate.holder === who) hand(gate);
  }

  /** All that wait look anew where they belong; also to be called when the pauses have ended. */
  look(): void {
    for (const gate of this.#gates.values()) wake(gate);
  }
}

function hand(gate: Gate): void {
  gate.holder = undefined;
  const [next] = gate.waiting;
  if (next === undefined) return;
  const [who, go] = next;
  gate.waiting.delete(who);
  gate.holder = who;
  go();
}

function wake(gate: Gate): void {
  for (const go of gate.waiting.values()) go();
  gate.waiting.clear();
}
