import { Buffer } from "node:buffer";
import { kafka } from "../../deps.ts";
import type { DeadLetter, LetterCopyFeed, Log, SourceState } from "../pipeline/ports.ts";
import { backoffMs } from "./backoff.ts";
import { type ClusterAccess, connectionOptions } from "./connection_options.ts";
import { failedWith } from "./failure.ts";
import { Outage, reasonOf } from "./outage.ts";

/** The topic doesn't take a record of this size, whenever it comes: MESSAGE_TOO_LARGE, RECORD_LIST_TOO_LARGE. */
const TOO_LARGE = ["MESSAGE_TOO_LARGE", "RECORD_LIST_TOO_LARGE"];

export interface DeadLetterTopicOptions extends ClusterAccess {
  readonly topic: string;
  readonly feed: LetterCopyFeed;
  readonly log: Log;
  readonly now: () => number;
  readonly random: () => number;
}

/**
 * Copies the dead letters to a topic, in their order, each at least once: what was sent and not yet
 * settled when the process ended is sent again. Whatever fails here is retried and holds nothing up.
 */
export class DeadLetterTopic {
  readonly #options: DeadLetterTopicOptions;
  readonly #outage: Outage;
  #producer: Producer | undefined;
  #round: Promise<void> | undefined;
  #failures = 0;
  #retryAt = -Infinity;
  #closing = false;
  /** The store may be closed, too. */
  #closed = false;

  constructor(options: DeadLetterTopicOptions) {
    this.#options = options;
    this.#outage = new Outage("dead letter topic", options);
  }

  /** "error" while the last attempt failed. Without a letter there is nothing to connect for, and all is well. */
  state(): SourceState {
    return this.#outage.lasts ? "error" : "connected";
  }

  /** Sends what there is, unless that is under way or has just failed. To be called now and then. */
  look(): void {
    const { now } = this.#options;
    if (this.#closing || this.#round !== undefined || now() < this.#retryAt) return;
    this.#round = this.#sendAll().finally(() => this.#round = undefined);
  }

  /** Waits for what is on its way, at most `deadlineMs`. */
  async close(deadlineMs: number): Promise<void> {
    this.#closing = true;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => timer = setTimeout(resolve, deadlineMs));
    await Promise.race([this.#round, late]);
    this.#closed = true;
    await Promise.race([this.#drop(), late]);
    clearTimeout(timer);
  }

  /** Never rejects. */
  async #sendAll(): Promise<void> {
    const { feed, now, random } = this.#options;
    try {
      for (;;) {
        const letters = this.#closing ? [] : feed.next();
        if (letters.length === 0) return;
        await this.#send(letters);
        this.#failures = 0;
        this.#outage.well("copy");
      }
    } catch (error) {
      if (this.#closing) return;
      this.#retryAt = now() + backoffMs(this.#failures++, random);
      this.#outage.failed("copy", reasonOf(error));
      // What it knows of the cluster may be wrong by now.
      await this.#drop();
    }
  }

  /** All together; one by one where that is too much for the topic. */
  async #send(letters: readonly DeadLetter[]): Promise<void> {
    try {
      await this.#produce(letters);
      this.#settled(letters, { tooLarge: 0 });
    } catch (error) {
      if (!TOO_LARGE.some((id) => failedWith(error, "apiId", id))) throw error;
      if (letters.length > 1) {
        for (const letter of letters) await this.#send([letter]);
        return;
      }
      const [{ sequence, id, bytes }] = letters;
      this.#settled(letters, { tooLarge: 1 });
      this.#options.log.warn("a dead letter wasn't copied: it is too large for the topic", {
        topic: this.#options.topic,
        number: sequence,
        id,
        bytes: bytes?.length,
        todo: "raise the topic's max.message.bytes; the letter itself is kept",
      });
    }
  }

  #settled(letters: readonly DeadLetter[], { tooLarge }: { tooLarge: number }): void {
    if (this.#closed) return;
    const through = letters[letters.length - 1].sequence;
    this.#options.feed.settled(through, { sent: letters.length - tooLarge, tooLarge });
  }

  async #produce(letters: readonly DeadLetter[]): Promise<void> {
    const { topic } = this.#options;
    const producer = this.#producer ??= openProducer(this.#options);
    await producer.send({ messages: letters.map((letter) => messageOf(letter, topic)) });
  }

  async #drop(): Promise<void> {
    const producer = this.#producer;
    this.#producer = undefined;
    await producer?.close(true).catch(() => {});
  }
}

type Producer = kafka.Producer<string, Buffer, string, string>;

function openProducer(access: DeadLetterTopicOptions): Producer {
  let turn = 0;
  return new kafka.Producer({
    ...connectionOptions(access),
    // As with the output topic: it is made where the broker makes topics by itself.
    autocreateTopics: true,
    acks: kafka.ProduceAcks.ALL,
    // The library's own puts everything without a key into partition 0.
    partitioner: (message, key) =>
      key === undefined ? turn++ : kafka.compatibilityPartitioner(message, key),
    serializers: {
      ...kafka.stringSerializers,
      value: (bytes?: Buffer) => bytes,
    },
  });
}

/** The bytes as they came; what is known about them in headers, as text. */
function messageOf(
  letter: DeadLetter,
  topic: string,
): kafka.MessageToProduce<string, Buffer, string, string> {
  const { bytes } = letter;
  const value = bytes === null
    ? undefined
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { topic, key: deviceOf(letter), value, headers: headersOf(letter) };
}

function headersOf(letter: DeadLetter): Record<string, string> {
  const { id, sink, reason, tenant, status, answer, attempts, topic, partition, offset } = letter;
  const fields = {
    id,
    sink: sink === "" ? "input" : sink,
    reason,
    tenant_id: tenant,
    status,
    answer,
    attempts: attempts > 0 ? attempts : null,
    topic: topic === "" ? null : topic,
    partition: topic === "" ? null : partition,
    offset: topic === "" ? null : offset,
    number: letter.sequence,
    time: new Date(letter.time).toISOString(),
  };
  const known = Object.entries(fields).filter(([, value]) => value !== null);
  return Object.fromEntries(known.map(([name, value]) => [name, String(value)]));
}

/** A result's device. A rejected reading has none that could be relied on. */
function deviceOf({ sink, bytes }: DeadLetter): string | undefined {
  if (sink === "" || bytes === null) return undefined;
  try {
    const { device_id: device } = JSON.parse(new TextDecoder().decode(bytes));
    return typeof device === "string" ? device : undefined;
  } catch {
    return undefined;
  }
}
