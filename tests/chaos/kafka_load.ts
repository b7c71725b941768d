/** A steady load of readings into the input topic, which outlives the broker. */
import { type Load, take, Writer } from "../integration/load.ts";

export class KafkaLoad implements AsyncDisposable {
  readonly #writer: Writer;
  readonly #load: Load;
  readonly #perSecond: number;
  readonly #random: () => number;
  #going = false;
  #running: Promise<void> = Promise.resolve();

  constructor(
    load: Load,
    options: { topic: string; bootstrap: string; perSecond: number; random: () => number },
  ) {
    this.#load = load;
    this.#writer = new Writer(options.topic, options.bootstrap);
    this.#perSecond = options.perSecond;
    this.#random = options.random;
  }

  async connect(): Promise<void> {
    await this.#writer.connect();
  }

  start(): void {
    this.#going = true;
    this.#running = this.#run();
  }

  /** Waits until the last request is acknowledged. */
  async stop(): Promise<void> {
    this.#going = false;
    await this.#running;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.#writer[Symbol.asyncDispose]();
  }

  async #run(): Promise<void> {
    const begun = performance.now();
    for (let due = 0; this.#going;) {
      const size = 1 + Math.floor(this.#random() * this.#perSecond / 5);
      await this.#writer.send(take(this.#load, size));
      due += size;
      // Nothing is waited for here, only time passes; what the broker's absence has kept back is made up for.
      const aheadMs = due / this.#perSecond * 1000 - (performance.now() - begun);
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, aheadMs)));
    }
  }
}
