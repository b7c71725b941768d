import { type Device } from "./device.ts";

/**
 * Devices whose row in the store is behind, in the order in which they fell behind: the head tells up
 * to where the journal isn't needed any more.
 */
export class DirtyQueue {
  #devices: Device[] = [];
  #since: number[] = [];
  #head = 0;

  /** `device.dirtySince` was just set. */
  push(device: Device): void {
    this.#devices.push(device);
    this.#since.push(device.dirtySince);
  }

  /** The device that has been behind for longest; undefined: every row is up to date. */
  oldest(): Device | undefined {
    while (this.#head < this.#devices.length) {
      const device = this.#devices[this.#head];
      // A device that was saved out of turn may stand here still, or stand here twice.
      if (device.dirtySince !== 0 && device.dirtySince === this.#since[this.#head]) return device;
      this.#head++;
      if (this.#head > 1024 && this.#head * 2 > this.#devices.length) {
        this.#devices = this.#devices.slice(this.#head);
        this.#since = this.#since.slice(this.#head);
        this.#head = 0;
      }
    }
    return undefined;
  }

  /** The next up to `limit` devices, longest behind first. */
  next(limit: number): Device[] {
    const found: Device[] = [];
    if (this.oldest() === undefined) return found;
    for (let i = this.#head; i < this.#devices.length && found.length < limit; i++) {
      const device = this.#devices[i];
      if (device.dirtySince !== 0 && device.dirtySince === this.#since[i]) found.push(device);
    }
    return found;
  }
}
