/**
 * A sum of doubles without rounding, kept as a non-overlapping expansion: doubles whose exact sum is
 * the value and whose bits don't overlap.
 *
 * Sources: J. R. Shewchuk, "Adaptive Precision Floating-Point Arithmetic and Fast Robust Geometric
 * Predicates", 1997 (Grow-Expansion, theorem 10; Two-Sum is Knuth's); the rounding is that of
 * CPython's `math.fsum`.
 *
 * Nothing here may overflow: the caller keeps every partial sum below 2^1023. Underflow needs no care,
 * additions of doubles are exact there.
 */
export class Expansion {
  /** Ascending by size, none of them 0; only the first `#length` count. */
  #parts = new Float64Array(4);
  #length = 0;

  get isZero(): boolean {
    return this.#length === 0;
  }

  /** Heap bytes held, about. */
  get bytes(): number {
    return 264 + this.#parts.length * 8;
  }

  add(x: number): void {
    const length = this.#length;
    if (length === this.#parts.length) this.#grow();
    const parts = this.#parts;
    let kept = 0;
    for (let i = 0; i < length; i++) {
      const y = parts[i];
      const sum = x + y;
      const yRound = sum - x;
      const lost = (x - (sum - yRound)) + (y - yRound);
      if (lost !== 0) parts[kept++] = lost;
      x = sum;
    }
    if (x !== 0) parts[kept++] = x;
    this.#length = kept;
  }

  /** The double nearest to the sum, ties to even. */
  get rounded(): number {
    this.#settle();
    return this.#length === 0 ? 0 : this.#parts[this.#length - 1];
  }

  /** The double nearest to what `rounded` leaves. */
  get remainder(): number {
    if (this.#length < 2) return 0;
    this.#settle();
    const rounded = this.#parts[--this.#length];
    const remainder = this.rounded;
    this.#parts[this.#length++] = rounded;
    return remainder;
  }

  /**
   * The one expansion that every way to the same sum ends in: the nearest double, the double nearest
   * to the rest, and so on, largest first.
   */
  canonical(): number[] {
    const found: number[] = [];
    while (this.#length > 0) {
      found.push(this.rounded);
      this.#length--;
    }
    for (let i = found.length - 1; i >= 0; i--) this.add(found[i]);
    return found;
  }

  /** Makes the last part the double nearest to the sum of all; the value stays. */
  #settle(): void {
    if (this.#length < 2) return;
    const parts = this.#parts;
    let i = this.#length - 1;
    let sum = parts[i];
    let lost = 0;
    while (i > 0 && lost === 0) {
      const y = parts[--i];
      const larger = sum + y;
      lost = y - (larger - sum);
      sum = larger;
    }
    if (lost === 0) {
      parts[0] = sum;
      this.#length = 1;
      return;
    }
    // Half-way, and what follows pulls to the other side than "ties to even" went.
    if (i > 0 && (lost < 0) === (parts[i - 1] < 0)) {
      const other = sum + 2 * lost;
      if (other - sum === 2 * lost) {
        sum = other;
        lost = -lost;
      }
    }
    parts[i] = lost;
    parts[i + 1] = sum;
    this.#length = i + 2;
  }

  #grow(): void {
    const larger = new Float64Array(this.#parts.length * 2);
    larger.set(this.#parts);
    this.#parts = larger;
  }
}
