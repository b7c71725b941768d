/** Bodies of requests: bounded one by one and all together, in bytes and in time. */
import { Refusal } from "./request.ts";

/** A body must have come within this time. */
const BODY_MS = 30_000;
const OPENING_BRACKET = 91;

export interface BodyLimits {
  readonly maxReadingBytes: number;
  /** For an array of readings, or lines of them. */
  readonly maxBatchBytes: number;
  /** For all bodies that are in hand at the same time. */
  readonly maxTotalBytes: number;
  /** 30,000 if not given. */
  readonly timeoutMs?: number;
}

/** The bodies in hand: from their first byte until their request is answered. */
export class Bodies {
  readonly #limits: BodyLimits;
  #bytes = 0;

  constructor(limits: BodyLimits) {
    this.#limits = limits;
  }

  /** Bytes in hand. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Room for one request's body; disposed of when the request is answered. */
  begin(): BodyInHand {
    let held = 0;
    return new BodyInHand(this.#limits, {
      hold: (bytes) => {
        held += bytes;
        this.#bytes += bytes;
        if (this.#bytes <= this.#limits.maxTotalBytes) return;
        throw new Refusal(429, "too many bodies at the same time", { "retry-after": "1" });
      },
      release: () => {
        this.#bytes -= held;
        held = 0;
      },
    });
  }
}

interface Room {
  hold(bytes: number): void;
  release(): void;
}

export class BodyInHand implements Disposable {
  readonly #limits: BodyLimits;
  readonly #room: Room;

  constructor(limits: BodyLimits, room: Room) {
    this.#limits = limits;
    this.#room = room;
  }

  /**
   * The body's bytes. Refuses with 413 what is longer than it may be, as soon as that is known, with
   * 429 what is too much together with all others, with 408 what takes too long, with 400 what breaks
   * off. `batch`: many readings for certain; otherwise that is seen by its first byte.
   */
  async read(request: Request, { batch }: { batch: boolean }): Promise<Uint8Array> {
    const { maxReadingBytes, maxBatchBytes } = this.#limits;
    const header = request.headers.get("content-length");
    const announced = header === null ? undefined : Number(header);
    const largest = batch ? maxBatchBytes : Math.max(maxBatchBytes, maxReadingBytes);
    if (announced !== undefined && announced > largest) throw tooLong(largest, announced);
    return await this.#inTime(
      announced !== undefined && announced <= (batch ? maxBatchBytes : maxReadingBytes)
        ? this.#readWhole(request, announced)
        : this.#readChunks(request, { batch, announced }),
    );
  }

  [Symbol.dispose](): void {
    this.#room.release();
  }

  async #inTime(work: Promise<Uint8Array>): Promise<Uint8Array> {
    const ms = this.#limits.timeoutMs ?? BODY_MS;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      const refusal = new Refusal(408, `body: expected within ${ms} ms, it isn't complete`, {
        connection: "close",
      });
      timer = setTimeout(() => reject(refusal), ms);
    });
    try {
      return await Promise.race([work, late]);
    } catch (error) {
      work.catch(() => {});
      if (error instanceof Refusal) throw error;
      throw new Refusal(400, "body: broke off");
    } finally {
      clearTimeout(timer);
    }
  }

  /** The server makes sure that a body is as long as it was announced. */
  async #readWhole(request: Request, announced: number): Promise<Uint8Array> {
    this.#room.hold(announced);
    return await request.bytes();
  }

  async #readChunks(
    request: Request,
    { batch, announced }: { batch: boolean; announced: number | undefined },
  ): Promise<Uint8Array> {
    const { maxReadingBytes, maxBatchBytes } = this.#limits;
    const chunks: Uint8Array[] = [];
    let length = 0;
    let limit = batch ? maxBatchBytes : undefined;
    for await (const chunk of request.body ?? []) {
      length += chunk.length;
      if (limit === undefined) {
        const first = chunk.find((byte) => !isWhiteSpace(byte));
        if (first !== undefined) {
          limit = first === OPENING_BRACKET ? maxBatchBytes : maxReadingBytes;
        }
      }
      const most = limit ?? maxReadingBytes;
      if (length > most || (announced ?? 0) > most) throw tooLong(most, announced);
      this.#room.hold(chunk.length);
      chunks.push(chunk);
    }
    if (chunks.length === 1) return chunks[0];
    const body = new Uint8Array(length);
    let at = 0;
    for (const chunk of chunks) {
      body.set(chunk, at);
      at += chunk.length;
    }
    return body;
  }
}

/** As JSON has it. */
export function isWhiteSpace(byte: number): boolean {
  return byte === 32 || byte === 10 || byte === 13 || byte === 9;
}

function tooLong(limit: number, announced: number | undefined): Refusal {
  const got = announced !== undefined && announced > limit ? announced : "more";
  return new Refusal(413, `body: expected at most ${limit} bytes, got ${got}`);
}
