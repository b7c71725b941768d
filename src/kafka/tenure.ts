/** What the members of both clients have in common: which partitions are ours, and for how long. */
import type { Log } from "../pipeline/ports.ts";
import type { ClusterAccess } from "./connection_options.ts";
import { retryDelayMs } from "./failure.ts";
import { type Clocks, Lease } from "./lease.ts";
import { type Outage, reasonOf } from "./outage.ts";
import type { Pauses } from "./pauses.ts";

export const GROUP_TIMES = {
  sessionTimeoutMs: 10_000,
  rebalanceTimeoutMs: 20_000,
  /** Also how soon we notice that another member joins or leaves. */
  heartbeatIntervalMs: 500,
};

export interface Joined {
  readonly memberId: string;
  readonly leader: boolean;
  readonly partitions: readonly number[];
}

export interface MemberOptions extends ClusterAccess, Clocks {
  readonly group: string;
  readonly topic: string;
  readonly log: Log;
  readonly outage: Outage;
  /** The id that this engine had in its last life, to leave in its name. */
  readonly formerId: string | undefined;
  /** The group has given us these partitions. Called synchronously; must not throw. */
  onJoined(joined: Joined): void;
  /**
   * The partitions aren't ours any more. Called synchronously, before our part in a rebalance goes on
   * the wire, so that a commit from here reaches the coordinator first. Must not throw.
   */
  onLost(): void;
}

/**
 * The group doesn't know the member any more, though it has just answered its heartbeat: somebody left
 * in its name. An engine that starts does that with the member id in its data folder, so a copy of the
 * folder is the likely cause. The member joins again under a new id, which the copy hasn't.
 */
export function tellRemoved({ log, group }: { log: Log; group: string }): void {
  log.warn("the group has removed this member, though its session lasts; it joins again", {
    group,
    todo:
      "see that no other engine uses a copy of the data folder: both would read and send the same",
  });
}

export class Tenure {
  readonly #options: MemberOptions;
  readonly #discarded = new Set<Promise<void>>();
  #owning = false;
  #partitionsKnown: number | undefined;
  readonly lease: Lease;
  /** Ids that may still be members in our name: they are left before the next join. */
  readonly formerIds = new Set<string>();
  /** What the assigner was given in the join under way; it is asked on the group's leader alone. */
  counted: number | undefined;

  constructor(options: MemberOptions) {
    this.#options = options;
    this.lease = new Lease(GROUP_TIMES.sessionTimeoutMs, options);
    if (options.formerId) this.formerIds.add(options.formerId);
  }

  get isOwning(): boolean {
    return this.#owning;
  }

  /** See `GroupMember.holds`. */
  get holds(): boolean {
    return this.#owning && this.lease.lasts;
  }

  /** See `GroupMember.partitionsKnown`. */
  get partitionsKnown(): number | undefined {
    return this.#partitionsKnown;
  }

  joined(joined: Joined): void {
    this.#owning = true;
    this.#partitionsKnown = this.counted ?? joined.partitions.length;
    this.counted = undefined;
    this.formerIds.clear();
    this.#options.onJoined(joined);
  }

  lose(): void {
    if (!this.#owning) return;
    this.#owning = false;
    this.#options.onLost();
  }

  /** Closing goes on in the background, and may fail. */
  discard(closing: Promise<void>): void {
    const settled: Promise<void> = closing
      .catch((error) => {
        this.#options.log.debug("closing a consumer failed", { reason: reasonOf(error) });
      })
      .finally(() => this.#discarded.delete(settled));
    this.#discarded.add(settled);
  }

  /** Resolves when everything that was discarded is closed. */
  async settled(): Promise<void> {
    await Promise.all(this.#discarded);
  }

  /** One life after the other, with pauses in which the broker may come back, until the pauses are ended. */
  async live<Life>(
    of: {
      pauses: Pauses;
      make(): Life;
      /** `onWell`: it has joined. Rejects when this life is of no use any more. */
      serve(life: Life, onWell: () => void): Promise<never>;
      memberIdOf(life: Life): string | null | undefined;
      end(life: Life): void;
    },
  ): Promise<void> {
    const { pauses } = of;
    const { outage } = this.#options;
    let failures = 0;
    while (!pauses.ended) {
      const life = of.make();
      try {
        await of.serve(life, () => {
          failures = 0;
          outage.well("group");
        });
      } catch (error) {
        if (!pauses.ended) outage.failed("group", reasonOf(error));
        this.lose();
        if (pauses.ended) return;
        const memberId = of.memberIdOf(life);
        if (memberId) this.formerIds.add(memberId);
        of.end(life);
        await pauses.wait(retryDelayMs(failures++));
      }
    }
  }
}
