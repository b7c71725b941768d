import type { kafka } from "../../deps.ts";
import type { Log } from "../pipeline/ports.ts";
import { backoffMs } from "./backoff.ts";
import type { Address, Connections } from "./connections.ts";
import { reasonOf } from "./outage.ts";
import { maxMessageBytes, type TopicView, viewTopic } from "./output_topic.ts";
import type { Pauses } from "./pauses.ts";

export interface TopicWatchOptions {
  readonly topic: string;
  readonly bootstrap: readonly Address[];
  readonly connections: Connections;
  readonly pauses: Pauses;
  readonly refreshMs: number;
  readonly log: Log;
  readonly now: () => number;
  readonly random: () => number;
  /** Takes up what was seen; what it throws counts as a failed look. */
  readonly onView: (view: TopicView, before: TopicView | undefined) => void;
  readonly onFailure: (reason: string) => void;
}

/** Lanes that fail together share one look at the topic. */
const VIEW_IS_FRESH_MS = 100;

/** Looks at a topic again and again: partitions come, leaders move, topics are recreated. */
export class TopicWatch {
  readonly #options: TopicWatchOptions;
  #view: TopicView | undefined;
  #viewedAt = -Infinity;
  #looking: Promise<void> | undefined;
  #maxBytes = Infinity;

  constructor(options: TopicWatchOptions) {
    this.#options = options;
  }

  /** undefined until the topic was found. */
  get view(): TopicView | undefined {
    return this.#view;
  }

  /** Largest batch that the topic takes; Infinity: the broker doesn't say. */
  get maxBytes(): number {
    return this.#maxBytes;
  }

  /** Runs until the pauses are ended. */
  async run(): Promise<void> {
    const { pauses, random, refreshMs } = this.#options;
    for (let attempt = 0; !pauses.ended;) {
      try {
        await this.refresh();
        attempt = 0;
        await pauses.wait(refreshMs);
      } catch {
        await pauses.wait(backoffMs(attempt++, random));
      }
    }
  }

  /** Rejects where the topic can't be seen; `onFailure` was told then. */
  async refresh(): Promise<void> {
    // A clock that is set back must not make the view look new for long.
    if (Math.abs(this.#options.now() - this.#viewedAt) < VIEW_IS_FRESH_MS) return;
    this.#looking ??= this.#look().finally(() => this.#looking = undefined);
    await this.#looking;
  }

  async #look(): Promise<void> {
    const { bootstrap, connections, topic, pauses, now, onView, onFailure } = this.#options;
    try {
      const connection = await connections.any([...bootstrap, ...this.#view?.brokers ?? []]);
      const view = await viewTopic(connection, topic);
      const maxBytes = await this.#askMaxBytes(connection);
      if (pauses.ended) return;
      const before = this.#view;
      this.#view = view;
      this.#maxBytes = maxBytes;
      try {
        onView(view, before);
      } catch (error) {
        this.#view = before;
        throw error;
      }
      this.#viewedAt = now();
    } catch (error) {
      if (!pauses.ended) onFailure(reasonOf(error));
      throw error;
    }
  }

  async #askMaxBytes(connection: kafka.Connection): Promise<number> {
    try {
      return await maxMessageBytes(connection, this.#options.topic);
    } catch (error) {
      if (!connection.isConnected()) throw error;
      // Not allowed to ask: the topic's refusals will tell.
      this.#options.log.debug("output topic: max.message.bytes isn't known", {
        reason: reasonOf(error),
      });
      return Infinity;
    }
  }
}
