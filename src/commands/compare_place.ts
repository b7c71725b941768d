/** What `compare` reads from. */
import { readKafkaSecurity } from "../config/config.ts";
import { ConfigFaults } from "../config/faults.ts";
import { settings } from "../config/settings.ts";
import { NotAllowed, parseTopic } from "../config/values.ts";
import { readFile, type Take, TopicSource } from "../migration/source.ts";
import { oneSetting } from "./api_address.ts";
import { Progress } from "./progress.ts";
import { reasonOf } from "./reason.ts";

/** A side that can't be read, or a report that can't be written. */
export class Unusable extends Error {
  override readonly name = "Unusable";
}

/** The temporary database, its disk mostly. */
export function isSqlite(error: unknown): boolean {
  return error instanceof Error && String((error as { code?: unknown }).code).startsWith("SQLITE_");
}

export function isFile(place: string): boolean {
  return place.includes("/") || place.endsWith(".ndjson");
}

/** A file or a topic to read from, and how far that is. */
export class Place {
  readonly #name: string;
  readonly #what: string;
  #topic: TopicSource | undefined;

  constructor(name: string, what: string) {
    this.#name = name;
    this.#what = what;
  }

  /** A file whole, a topic on from where it was read to. Rejects with `Unusable`, or `ConfigFaults`. */
  async read(take: Take): Promise<void> {
    const place = this.#name;
    using progress = new Progress(place);
    const taking: Take = (value, { done, total }) => {
      take(value, { done, total });
      progress.show(done, total);
    };
    try {
      if (isFile(place)) await readFile(place, taking);
      else await (this.#topic ??= topicSource(place)).read(taking);
    } catch (error) {
      this.#topic?.forgetLeaders();
      if (error instanceof ConfigFaults || isSqlite(error)) throw error;
      const reason = error instanceof NotAllowed ? `it ${error.message}` : reasonOf(error);
      throw new Unusable(`reading ${this.#what} from ${place}: ${reason}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#topic?.close();
  }
}

function topicSource(name: string): TopicSource {
  const env = Deno.env.toObject();
  return new TopicSource(parseTopic(name), {
    brokers: oneSetting(settings.brokers, env),
    security: readKafkaSecurity(env, (path) => Deno.readTextFileSync(path)),
    clientId: "plumbline-compare",
  });
}
