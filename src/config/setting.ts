/** What a setting is, as the tables have them. */

export interface Setting<T> {
  /** Name of the environment variable. */
  readonly name: string;
  /** The name that the old Python engine used for it; it works, too. */
  readonly oldName?: string;
  /** The text that is taken where the variable isn't set. */
  readonly default: string;
  /** An empty variable is a value of its own; otherwise it counts as not set. */
  readonly emptyMeans?: string;
  /** What may be written, in words. */
  readonly allowed: string;
  /** What the setting does, in one sentence. */
  readonly meaning: string;
  /** Throws `NotAllowed`. */
  readonly parse: (text: string) => T;
}

export function setting<T>(definition: Setting<T>): Setting<T> {
  return definition;
}
