/** Where the demo's simulation is, kept over its starts. */

const HISTORY_MS = 30 * 86_400_000;

/** What the next start goes on from. */
export interface Place {
  readonly seed: number;
  readonly start: number;
  /** Number of the next reading. */
  next: number;
}

/** Where the simulation is, in the demo's folder. */
export class PlaceFile {
  readonly place: Place;
  readonly #path: string;

  /** Where nothing is stored a new simulation begins a month ago, with the reading of number `first`. */
  constructor(dataDir: string, first: number) {
    this.#path = `${dataDir}/simulation.json`;
    this.place = this.#stored() ?? {
      seed: crypto.getRandomValues(new Uint32Array(1))[0],
      start: Math.floor(Date.now() / 1000) * 1000 - HISTORY_MS,
      next: first,
    };
  }

  save(): void {
    Deno.writeTextFileSync(`${this.#path}.new`, `${JSON.stringify(this.place)}\n`);
    Deno.renameSync(`${this.#path}.new`, this.#path);
  }

  #stored(): Place | undefined {
    try {
      return JSON.parse(Deno.readTextFileSync(this.#path));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw new Error(`reading ${this.#path}: ${(error as Error).message}`);
    }
  }
}
