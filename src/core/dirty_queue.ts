import { type Device } from "./device.ts";

/**
 * Devices whose row in the store is behind, in the order in which they fell behind: the head tells up
 * to where the journal isn't needed any more.
 */
export class DirtyQueue {
  #devices: Device[] = [];
  #since: number[] = [];
  #head = 0;
  #sweepAt = 1024;

  /** Entries held, those of devices that were saved out of turn included: at most twice those behind, and 1,024. */
  get length(): number {
    return this.#devices.length;
  }

  /** `device.dirtySince` was just set. */
  push(device: Device): void {
    if (this.#devices.length >= this.#sweepAt) this.#sweep();
    this.#devices.push(device);
    this.#since.push(device.dirtySince);
  }

  /** The device that has been behind for longest; undefined: every row is up to date. */
  oldest(): Device | undefined {
    while (this.#head < this.#devices.length) {
      const device = this.#devices[this.#head];
      if (this.#isBehind(this.#head)) return device;
      this.#head++;
      if (this.#head > 1024 && this.#head * 2 > this.#devices.length) this.#sweep();
    }
    return undefined;
  }

  /** The next up to `limit` devices, longest behind first. */
  next(limit: number): Device[] {
    const found: Device[] = [];
    if (this.oldest() === undefined) return found;
    for (let i = this.#head; i < this.#devices.length && found.length < limit; i++) {
      if (this.#isBehind(i)) found.push(this.#devices[i]);
    }
    return found;
  }

  /** A device that was saved out of turn may stand here still, or stand here twice. */
  #isBehind(at: number): boolean {
    const { dirtySince } = this.#devices[at];
    return dirtySince !== 0 && dirtySince === this.#since[at];
  }

  /** Drops entries that aren't needed any more: they would keep devices in memory that were put away. */
  #sweep(): void {
    const devices: Device[] = [], since: number[] = [];
    for (let i = this.#head; i < this.#devices.length; i++) {
      if (!this.#isBehind(i)) continue;
      devices.push(this.#devices[i]);
      since.push(this.#since[i]);
    }
    this.#devices = devices;
    this.#since = since;
    this.#head = 0;
    this.#sweepAt = devices.length * 2 + 1024;
  }
}
