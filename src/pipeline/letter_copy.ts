import { type DeadLetter, type LetterCopyFeed, type Store } from "./ports.ts";

const MAX_LETTERS = 500;
const MAX_BYTES = 1_000_000;

/** What the copy of the dead letters hasn't sent: a cursor of its own over their sequence. */
export class StoreLetterCopyFeed implements LetterCopyFeed {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  next(): DeadLetter[] {
    return this.#store.letters.uncopied({ limit: MAX_LETTERS, maxBytes: MAX_BYTES });
  }

  settled(through: number, count: { sent: number; tooLarge: number }): void {
    this.#store.transact((tx) => tx.moveLetterCopy(through, count));
  }
}

/**
 * Makes the cursor, or drops it, where that has changed since the last start: a copy that is new begins
 * with what is kept from now on, one that is switched off forgets its place.
 */
export function settleLetterCopy(store: Store, { on }: { on: boolean }): void {
  const was = store.letters.counts().copy.behind !== null;
  if (was === on) return;
  const through = on ? store.letters.last() : null;
  store.transact((tx) => tx.moveLetterCopy(through, { sent: 0, tooLarge: 0 }));
}
