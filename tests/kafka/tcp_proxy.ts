/**
 * A proxy between a client and a broker that can cut connections, refuse them, or swallow the broker's
 * answers.
 */
export class TcpProxy implements AsyncDisposable {
  readonly port: number;
  #listener: Deno.TcpListener;
  #target: number;
  #pairs = new Set<{ client: Deno.TcpConn; server: Deno.TcpConn }>();
  #serving: Promise<void>;
  /** How many more answers are delivered; then the next one is lost with its connection. */
  #answersLeft = Infinity;
  /** Clients are let in and cut off at once. */
  refuses = false;
  /** When that happened, by `performance.now()`. */
  readonly refused: number[] = [];
  #onCut = () => {};
  #onClient = () => {};
  /** Connections to the broker whose client is gone, with what to call when an answer comes. */
  readonly #stranded = new Map<Deno.TcpConn, () => void>();
  #onStranded: ((deliver: () => Promise<void>) => void) | undefined;
  /** So many more connections lose all answers from their next Fetch request on. */
  #swallowing = 0;
  /** Connections to the broker whose answers are lost. */
  readonly #swallowed = new Set<Deno.TcpConn>();
  /** Answers wait for this. */
  #held = Promise.resolve();

  constructor({ port, target }: { port: number; target: number }) {
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port });
    this.port = port;
    this.#target = target;
    this.#serving = this.#serve();
  }

  /** Closes every connection at once, whatever is on its way. */
  cut(): void {
    for (const { client, server } of this.#pairs) {
      close(client);
      close(server);
    }
    this.#pairs.clear();
    this.#onCut();
  }

  /**
   * So many connections that carry fetches lose every answer from now on, without being closed; what
   * this gives ends it for those that come.
   */
  swallowFetches(connections: number): () => void {
    this.#swallowing = connections;
    return () => this.#swallowing = 0;
  }

  /** The broker gets everything; after `answers` more pieces from it the next is lost in a cut. */
  cutInsteadOfAnswer(answers: number): Promise<void> {
    this.#answersLeft = answers;
    return new Promise((resolve) => this.#onCut = resolve);
  }

  /** The broker gets everything, its answers wait until what this gives is called. */
  hold(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#held = promise;
    return resolve;
  }

  /**
   * Loses the client's connection when it sends its next Produce request, but keeps the request.
   * Resolves with what delivers it to the broker after all, and waits for the broker's answer.
   */
  strandProduce(): Promise<() => Promise<void>> {
    return new Promise((resolve) => this.#onStranded = resolve);
  }

  /** Resolves when a client connects. */
  nextClient(): Promise<void> {
    return new Promise((resolve) => this.#onClient = resolve);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    this.cut();
    await this.#serving;
  }

  async #serve(): Promise<void> {
    for await (const client of this.#listener) {
      this.#onClient();
      if (this.refuses) {
        this.refused.push(performance.now());
        close(client);
        continue;
      }
      try {
        const server = await Deno.connect({ hostname: "127.0.0.1", port: this.#target });
        this.#pairs.add({ client, server });
        void this.#copy(client, { to: server, isAnswer: false });
        void this.#copy(server, { to: client, isAnswer: true });
      } catch {
        close(client); // the broker is away
      }
    }
  }

  #strand(
    bytes: Uint8Array,
    { client, server }: { client: Deno.TcpConn; server: Deno.TcpConn },
  ): void {
    const request = bytes.slice();
    const answered = Promise.withResolvers<void>();
    this.#stranded.set(server, answered.resolve);
    close(client);
    this.#onStranded!(async () => {
      await write(server, request);
      await answered.promise;
      close(server);
    });
    this.#onStranded = undefined;
  }

  async #copy(
    from: Deno.TcpConn,
    { to, isAnswer }: { to: Deno.TcpConn; isAnswer: boolean },
  ): Promise<void> {
    const buffer = new Uint8Array(65_536);
    try {
      for (let n = await from.read(buffer); n !== null; n = await from.read(buffer)) {
        if (isAnswer) await this.#held;
        if (isAnswer && this.#swallowed.has(from)) continue;
        if (this.#stranded.has(from)) {
          this.#stranded.get(from)!();
          return;
        }
        if (isAnswer && this.#answersLeft-- <= 0) {
          this.#answersLeft = Infinity;
          this.cut();
          return;
        }
        const bytes = buffer.subarray(0, n);
        if (!isAnswer && this.#onStranded && isProduce(bytes)) {
          this.#strand(bytes, { client: from, server: to });
          return;
        }
        if (!isAnswer && this.#swallowing > 0 && isFetch(bytes) && !this.#swallowed.has(to)) {
          this.#swallowing--;
          this.#swallowed.add(to);
        }
        await write(to, bytes);
      }
    } catch {
      // cut
    }
    this.#swallowed.delete(from);
    close(from);
    close(to);
  }
}

/** A request begins with its length and its API key; Produce has key 0. */
function isProduce(bytes: Uint8Array): boolean {
  return bytes.length > 6 && bytes[4] === 0 && bytes[5] === 0;
}

/** Fetch has key 1. */
function isFetch(bytes: Uint8Array): boolean {
  return bytes.length > 6 && bytes[4] === 0 && bytes[5] === 1;
}

async function write(to: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await to.write(bytes.subarray(at));
}

function close(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch {
    // closed before
  }
}
