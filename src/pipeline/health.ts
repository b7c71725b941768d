import { type LowDisk } from "./low_disk.ts";
import {
  type Check,
  type FailedChecks,
  type Health,
  type RecordSource,
  type Sink,
  type SinkName,
  type SourceState,
} from "./ports.ts";

/** Readings that wait so long while no batch comes: the engine isn't ready. */
const STUCK_MS = 30_000;
/** So long that only a new start may help. */
const HUNG_MS = 600_000;

export interface HealthOptions {
  readonly source: RecordSource | null;
  /** null: the sink is switched off. */
  readonly output: Sink | null;
  readonly storage: Sink | null;
  readonly ingest: {
    /** ms since 1970; 0: the store takes writes. */
    readonly unavailableSince: number;
    readonly backlogFull: boolean;
    readonly batches: number;
  };
  /** Why a sink's backlog isn't as it should be. */
  readonly backlogs: { reason(sink: SinkName): string | undefined };
  readonly disk?: LowDisk;
  readonly lifecycle: { readonly running: boolean };
  readonly now: () => number;
}

/** Asks the engine's parts how they are. `look` must be called now and then: it is how a standstill is seen. */
export class EngineHealth implements Health {
  readonly #options: HealthOptions;
  /** No reading has waited in vain before. */
  #movedAt: number;
  #batches = 0;
  /** When it was seen that the store refuses writes: by another clock than the one that the ingest goes by. */
  #refusedAt: number | undefined;

  constructor(options: HealthOptions) {
    this.#options = options;
    this.#movedAt = options.now();
  }

  /** Notices that batches come, or that there is nothing to make one of, and that the store refuses writes. */
  look(): void {
    const { ingest, now } = this.#options;
    this.#refusedAt = ingest.unavailableSince === 0 ? undefined : this.#refusedAt ?? now();
    if (this.#waiting() > 0 && ingest.batches === this.#batches) return;
    this.#batches = ingest.batches;
    this.#movedAt = now();
  }

  running(): boolean {
    return this.#options.lifecycle.running;
  }

  kafka(): SourceState {
    const { source, output } = this.#options;
    if (source === null) return "disabled";
    const states = [source.state(), output?.state() ?? "connected"];
    if (states.includes("error")) return "error";
    return states.includes("connecting") ? "connecting" : "connected";
  }

  /**
   * Fails where batches stand still and nothing is known that would explain it, and where the store has
   * refused everything for long. (A thread that is stuck answers nothing at all.)
   */
  live(): FailedChecks {
    const { source, ingest, disk, now } = this.#options;
    const explained = ingest.unavailableSince > 0 || disk?.check() !== undefined ||
      ingest.backlogFull || source?.state() !== "connected";
    const isHung = this.#refusedAt !== undefined && now() - this.#refusedAt >= HUNG_MS;
    return failedOf([
      ["store", isHung ? storeFailure(ingest.unavailableSince) : undefined],
      ["progress", explained ? undefined : this.#standstill(HUNG_MS)],
    ]);
  }

  ready(): FailedChecks {
    const { source, output, storage, ingest, backlogs, disk } = this.#options;
    return failedOf([
      ["kafka", sourceFailure(source)],
      ["store", storeFailure(ingest.unavailableSince) ?? disk?.check()],
      ["output", both(outputFailure(output), backlogs.reason("output"))],
      ["storage", both(storageFailure(storage), backlogs.reason("storage"))],
      ["progress", this.#progressFailure()],
    ]);
  }

  #progressFailure(): string | undefined {
    if (!this.running()) return "the engine is stopping";
    if (this.#options.ingest.backlogFull) {
      return "the backlog is full: no more is read until the sinks have caught up";
    }
    // The check of the store says it.
    if (this.#options.disk?.check() !== undefined) return undefined;
    return this.#standstill(STUCK_MS);
  }

  #standstill(longerThanMs: number): string | undefined {
    const waiting = this.#waiting();
    const stuckMs = this.#options.now() - this.#movedAt;
    if (waiting === 0 || stuckMs < longerThanMs) return undefined;
    return `${waiting} records wait in Kafka, and no batch came for ${
      Math.round(stuckMs / 1000)
    } s`;
  }

  #waiting(): number {
    let waiting = 0;
    for (const lag of this.#options.source?.lag().values() ?? []) waiting += lag;
    return waiting;
  }
}

function failedOf(found: readonly (readonly [Check, string | undefined])[]): FailedChecks {
  return new Map(found.filter((it): it is [Check, string] => it[1] !== undefined));
}

function both(first: string | undefined, second: string | undefined): string | undefined {
  return first === undefined || second === undefined ? first ?? second : `${first}; ${second}`;
}

function sourceFailure(source: RecordSource | null): string | undefined {
  const state = source?.state();
  if (state === "error") return "the input topic can't be read; the log says why";
  return state === "connecting" ? "the group wasn't joined yet" : source?.stopped();
}

function storeFailure(since: number): string | undefined {
  return since === 0 ? undefined : `it can't be written since ${new Date(since).toISOString()}`;
}

function outputFailure(output: Sink | null): string | undefined {
  const state = output?.state();
  if (state === "error") return "the output topic doesn't take results; the log says why";
  return state === "connecting" ? "the output topic wasn't found yet" : undefined;
}

/** It connects when it has something to send: "connecting" says nothing. */
function storageFailure(storage: Sink | null): string | undefined {
  return storage?.state() === "error"
    ? "the storage service doesn't take results; the log says why"
    : undefined;
}
