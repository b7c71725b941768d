import { type Log, type ReloadOutcome, StoreUnavailable, type TenantsReload } from "./ports.ts";

/** Where the tenants' settings come from. Synchronous: what it reads is in force at once, or not at all. */
export interface TenantsSource {
  /** Another text whenever the source may have changed; undefined: it can't be looked at now. */
  look(): string | undefined;
  /** Reads and checks it; nothing is in force before `use`. */
  read():
    | { readonly faults: readonly string[] }
    | { readonly named: number; readonly warnings?: readonly string[]; use(): void };
}

export type ReloadTrigger = "signal" | "request" | "file";

export interface TenantsReloadOptions {
  readonly source: TenantsSource;
  /** Makes the change between two batches, or throws `StoreUnavailable` and makes none. */
  readonly reconfigure: (change: () => void) => void;
  readonly log: Log;
  readonly observe: (outcome: ReloadOutcome["kind"]) => void;
}

/**
 * Reads the tenants' settings again: checked first, then swapped whole between two batches. With a
 * fault the settings in force stay.
 */
export class TenantSettingsReload implements TenantsReload {
  readonly #options: TenantsReloadOptions;
  /** As it was when it was read last. */
  #read: string | undefined;
  /** As it was at the last look. */
  #seen: string | undefined;

  constructor(options: TenantsReloadOptions) {
    this.#options = options;
    this.#read = this.#seen = options.source.look();
  }

  /**
   * Looks whether the source has changed; to be called now and then. It is read once two looks in a row
   * have found the same, so that a file isn't read while it is being written.
   */
  look(): void {
    const now = this.#options.source.look();
    const rests = now !== undefined && now === this.#seen;
    this.#seen = now;
    if (rests && now !== this.#read) this.reload("file");
  }

  reload(trigger: ReloadTrigger = "request"): ReloadOutcome {
    const { source, observe } = this.#options;
    this.#read = source.look();
    const outcome = this.#attempt(trigger);
    // Where the store can't be written the next look tries again.
    if (outcome.kind === "unavailable") this.#read = undefined;
    observe(outcome.kind);
    return outcome;
  }

  #attempt(trigger: ReloadTrigger): ReloadOutcome {
    const { source, reconfigure, log } = this.#options;
    const found = source.read();
    if ("faults" in found) {
      log.error("the tenants' file is wrong: the settings in force stay", {
        trigger,
        faults: found.faults,
        todo: "mend it; it is read again as soon as it changes",
      });
      return { kind: "wrong", faults: found.faults };
    }
    try {
      reconfigure(() => found.use());
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      log.debug("the tenants' settings weren't changed; tried again", { reason: error.message });
      return { kind: "unavailable", reason: error.message };
    }
    log.info("the tenants' settings were read again", { trigger, named: found.named });
    for (const warning of found.warnings ?? []) log.warn(warning, { trigger });
    return { kind: "done", named: found.named };
  }
}
