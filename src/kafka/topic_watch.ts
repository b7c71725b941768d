import type { kafka } from "../../deps.ts";
import type { Log } from "../pipeline/ports.ts";
import { backoffMs } from "./backoff.ts";
import type { Address, Connections } from "./connections.ts";
import { reasonOf } from "./outage.ts";
import { maxMessageBytes, type TopicView, viewTopic } from "./output_topic.ts";
import type { Pause, Pauses } from "./pauses.ts";

export interface TopicWatchOptions {
  readonly topic: string;
  readonly bootstrap: readonly Address[];
  readonly connections: Connections;
  readonly pauses: Pauses;
  readonly refreshMs: number;
  readonly log: Log;
  readonly random: () => number;
  /** Takes up what was seen; what it throws counts as a failed look. */
  readonly onView: (view: TopicView, before: TopicView | undefined) => void;
  readonly onFailure: (reason: string) => void;
}

/** Looks at a topic again and again: partitions come, leaders move, topics are recreated. */
export class TopicWatch {
  readonly #options: TopicWatchOptions;
  #view: TopicView | undefined;
  /** Counts looks and marks: their order, whatever the clock says. */
  #moment = 0;
  /** When the look began that the view is from. */
  #viewedAt = -1;
  #idle: Pause | undefined;
  readonly #waiting = new Set<() => void>();
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

  /** Runs until the pauses are ended. The one that looks: while the cluster is away nobody else tries it. */
  async run(): Promise<void> {
    const { pauses, random, refreshMs } = this.#options;
    for (let failures = 0; !pauses.ended;) {
      try {
        await this.#look();
        failures = 0;
        this.#release();
        this.#idle = pauses.begin(refreshMs);
        await this.#idle.over;
        this.#idle = undefined;
      } catch {
        await pauses.wait(backoffMs(failures++, random));
      }
    }
    this.#release();
  }

  /** This moment, for `seenSince`. */
  mark(): number {
    return ++this.#moment;
  }

  /** Resolves once a look that began after that moment has seen the topic, and when the pauses have ended. */
  async seenSince(moment: number): Promise<void> {
    while (this.#viewedAt <= moment && !this.#options.pauses.ended) {
      await new Promise<void>((resolve) => {
        this.#waiting.add(resolve);
        this.#idle?.end();
      });
    }
  }

  #release(): void {
    for (const go of this.#waiting) go();
    this.#waiting.clear();
  }

  async #look(): Promise<void> {
    const { bootstrap, connections, topic, pauses, onView, onFailure } = this.#options;
    const began = ++this.#moment;
    try {
      const connection = await connections.any([...bootstrap, ...this.#view?.brokers ?? []]);
      const view = await viewTopic(connection, topic);
      const maxBytes = await this.#askMaxBytes(connection);
      if (pauses.ended) return;
      const [before, viewedAt] = [this.#view, this.#viewedAt];
      this.#view = view;
      this.#viewedAt = began;
      this.#maxBytes = maxBytes;
      try {
        onView(view, before);
      } catch (error) {
        this.#view = before;
        this.#viewedAt = viewedAt;
        throw error;
      }
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
