import { type SinkName, type Store, type TenantStretch, type Transaction } from "./ports.ts";

export interface TenantSharesOptions {
  readonly store: Pick<Store, "journal">;
  /** Those that are switched on. */
  readonly sinks: readonly {
    readonly name: SinkName;
    readonly maxBytes: number;
    /** The lowest id that it needs; Infinity: none. */
    readonly oldestNeeded: () => number;
  }[];
}

/** What a batch changes. */
export interface ShareChange {
  readonly saved: readonly TenantStretch[];
  readonly dropped: readonly TenantStretch[];
}

/** A stretch is closed at this part of what the tenant may have: so many of them are kept at most, and some. */
const PARTS = 64;

/**
 * What the results of each tenant take in the journal, from the oldest row that a sink still needs: kept
 * for tenants with a share of the backlog alone, from the moment on at which they have one.
 */
export class TenantShares {
  readonly #options: TenantSharesOptions;
  /** Of each tenant, oldest first. */
  readonly #stretches = new Map<string, TenantStretch[]>();

  /** Throws what the store throws. */
  constructor(options: TenantSharesOptions) {
    this.#options = options;
    for (const stretch of options.store.journal.tenantStretches()) {
      this.#of(stretch.tenant).push(stretch);
    }
  }

  /** Bytes that the tenant may still add, with this share (0 to 1) of each sink's backlog. */
  room(tenant: string, share: number): number {
    const stretches = this.#stretches.get(tenant);
    let room = Infinity;
    for (const { maxBytes, oldestNeeded } of this.#options.sinks) {
      const waiting = stretches === undefined ? 0 : bytesFrom(stretches, oldestNeeded());
      room = Math.min(room, maxBytes * share - waiting);
    }
    return room;
  }

  /** Bytes that wait for the sink that has most to wait for, by tenant. */
  *waiting(): Iterable<readonly [string, number]> {
    const oldest = Math.min(...this.#options.sinks.map((sink) => sink.oldestNeeded()), Infinity);
    for (const [tenant, stretches] of this.#stretches) {
      const bytes = bytesFrom(stretches, oldest);
      if (bytes > 0) yield [tenant, bytes];
    }
  }

  /** What it means that a batch's rows, from `firstId` to `lastId`, have so many bytes of these tenants. */
  plan(
    added: Iterable<{ readonly tenant: string; readonly share: number; readonly bytes: number }>,
    { firstId, lastId }: { firstId: number; lastId: number },
  ): ShareChange {
    const { sinks } = this.#options;
    const saved: TenantStretch[] = [], dropped: TenantStretch[] = [];
    if (sinks.length === 0) return { saved, dropped };
    const oldest = Math.min(...sinks.map((sink) => sink.oldestNeeded()), firstId);
    const smallest = Math.min(...sinks.map(({ maxBytes }) => maxBytes));
    for (const { tenant, share, bytes } of added) {
      const stretches = this.#stretches.get(tenant) ?? [];
      for (const stretch of stretches) if (stretch.last < oldest) dropped.push(stretch);
      const last = stretches.at(-1);
      const grows = last !== undefined && last.last >= oldest &&
        last.bytes < smallest * share / PARTS;
      saved.push(
        grows
          ? { ...last, last: lastId, bytes: last.bytes + bytes }
          : { tenant, first: firstId, last: lastId, bytes },
      );
    }
    return { saved, dropped };
  }

  /** Within the batch's transaction, as often as it is tried. */
  write(tx: Transaction, { saved, dropped }: ShareChange): void {
    for (const { tenant, first } of dropped) tx.dropTenantStretch(tenant, first);
    for (const stretch of saved) tx.saveTenantStretch(stretch);
  }

  /** The batch is committed. */
  committed({ saved, dropped }: ShareChange): void {
    const gone = new Set(dropped);
    for (const stretch of saved) {
      const kept = this.#of(stretch.tenant).filter((it) =>
        !gone.has(it) && it.first !== stretch.first
      );
      kept.push(stretch);
      this.#stretches.set(stretch.tenant, kept);
    }
  }

  #of(tenant: string): TenantStretch[] {
    let found = this.#stretches.get(tenant);
    if (found === undefined) this.#stretches.set(tenant, found = []);
    return found;
  }
}

function bytesFrom(stretches: readonly TenantStretch[], oldest: number): number {
  return stretches.reduce((sum, { last, bytes }) => last >= oldest ? sum + bytes : sum, 0);
}
