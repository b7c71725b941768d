import { ByteRoom } from "../core/byte_room.ts";
import { type DeviceState, type GlobalState, type Transaction } from "./ports.ts";
import { type State } from "./state.ts";

/** A checkpoint begins when so many bytes of journal, or so much time, have come since the last one. */
const JOURNAL_BYTES = 64_000_000;
const INTERVAL_MS = 5_000;
/** Devices written in one transaction: about 3 ms. */
const SLICE = 200;

/** A part of a checkpoint: states as of the last commit, to be written in one transaction. */
export interface CheckpointSlice {
  readonly devices: readonly DeviceState[];
  readonly totals: GlobalState | null;
  /** Every row in the store includes the journal up to here once the slice is committed. */
  readonly checkpointId: number;
  /** What its bytes stand in. */
  readonly room: ByteRoom;
}

/**
 * Writes devices that have changed to the store, a slice at a time, longest behind first, so that the
 * journal rows that they include can be pruned.
 */
export class Checkpoint {
  readonly #state: State;
  readonly #now: () => number;
  #journalBytes = 0;
  #completedAt: number;
  /** The round under way ends when everything up to here is written; 0: no round is under way. */
  #target = 0;
  #startedAt = 0;
  readonly #observe: (seconds: number) => void;
  /** The room of a slice that was written, for the next one. */
  #room: ByteRoom | null = null;

  /** Up to here every row in the store includes the journal. */
  durableId: number;

  /** `observe` is told how long a round took, from its first slice to its last one's commit. */
  constructor(
    state: State,
    options: { durableId: number; now: () => number; observe?: (seconds: number) => void },
  ) {
    const { now, observe = () => {} } = options;
    this.durableId = options.durableId;
    this.#observe = observe;
    this.#state = state;
    this.#now = now;
    this.#completedAt = now();
  }

  /** Seconds since everything was written, or there was nothing to write. */
  get ageSeconds(): number {
    return this.#isClean() ? 0 : (this.#now() - this.#completedAt) / 1000;
  }

  appended(bytes: number): void {
    this.#journalBytes += bytes;
  }

  /** Whether a slice should be written now. */
  get due(): boolean {
    if (this.#target > 0) return true;
    if (this.#isClean()) {
      this.#completedAt = this.#now();
      return false;
    }
    return this.#journalBytes >= JOURNAL_BYTES || this.#now() - this.#completedAt >= INTERVAL_MS;
  }

  /**
   * The next slice. Its devices count as written from now on: if its transaction doesn't succeed, the
   * same slice has to be written again, or the state rebuilt.
   */
  slice(limit = SLICE): CheckpointSlice {
    const { engine, includedId } = this.#state;
    if (this.#target === 0) {
      this.#target = includedId;
      this.#startedAt = this.#now();
      this.#journalBytes = 0;
    }
    const room = this.#room ?? new ByteRoom();
    this.#room = null;
    const devices = engine.dirty.next(limit).map((device) => {
      const state = device.toState(includedId, room);
      engine.saved(device, includedId);
      return state;
    });
    const totals = engine.totals.dirtySince === 0 ? null : engine.totals.toState(includedId);
    engine.savedTotals(includedId);
    const checkpointId = engine.checkpointId(includedId);
    if (checkpointId >= this.#target) {
      this.#target = 0;
      this.#completedAt = this.#now();
    }
    return { devices, totals, checkpointId, room };
  }

  /** The slice is committed. */
  written(slice: CheckpointSlice): void {
    this.durableId = slice.checkpointId;
    slice.room.clear();
    // That of a last checkpoint at the end is as large as all devices.
    if (slice.devices.length <= SLICE) this.#room = slice.room;
    if (this.#target === 0) this.#observe(Math.max(0, this.#now() - this.#startedAt) / 1000);
  }

  /** The state was rebuilt: a round that was under way is over. */
  reset(): void {
    this.#target = 0;
  }

  #isClean(): boolean {
    const { engine, includedId } = this.#state;
    return engine.totals.dirtySince === 0 && engine.dirty.oldest() === undefined &&
      this.durableId >= includedId;
  }
}

export function writeSlice(tx: Transaction, slice: CheckpointSlice): void {
  for (const device of slice.devices) tx.saveDevice(device);
  if (slice.totals !== null) tx.saveGlobal(slice.totals);
  tx.moveCheckpoint(slice.checkpointId);
}
