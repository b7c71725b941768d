/**
 * Pages of statistics are the only answers that take long to make and much to hold: few are in the
 * making at once, each in slices between which everything else has its turn, and what nobody reads is
 * bounded in bytes and in time.
 */
import { JSON_HEADERS } from "./json.ts";
import { Refusal } from "./request.ts";

export interface PageLimits {
  /** Pages in the making at the same time. */
  readonly making: number;
  /** Requests that wait for their turn; beyond them a page is refused. */
  readonly waiting: number;
  /** Bytes of pages that are made and not read yet; beyond them a page is refused. */
  readonly unreadBytes: number;
  /** A page of which nothing was read for so long is given up, and its connection with it. */
  readonly unreadMs: number;
}

const LIMITS: PageLimits = { making: 2, waiting: 256, unreadBytes: 64 << 20, unreadMs: 30_000 };
/** After so long others have their turn. */
const SLICE_MS = 8;
const CHUNK_LENGTH = 32_768;
const encoder = new TextEncoder();

export class Pages {
  readonly #limits: PageLimits;
  readonly #now: () => number;
  readonly #waiting: (() => void)[] = [];
  #making = 0;
  #unreadBytes = 0;

  constructor(options: { now: () => number; limits?: Partial<PageLimits> }) {
    this.#now = options.now;
    this.#limits = { ...LIMITS, ...options.limits };
  }

  /**
   * The answer whose text `gather` gives in pieces. When the page's turn has come it is called once. What
   * it is to show of one moment it takes before it returns: the pieces are taken later, with other work in
   * between. Refuses with 503 where too many wait, or too much isn't read yet.
   */
  async answer(
    gather: () => Iterable<string>,
    headers: Readonly<Record<string, string>> = JSON_HEADERS,
  ): Promise<Response> {
    const { making, waiting } = this.#limits;
    this.#refuseUnread();
    if (this.#making < making) this.#making++;
    else if (this.#waiting.length < waiting) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else throw busy(`${waiting} pages wait to be made`);
    try {
      this.#refuseUnread();
      return this.#response(await this.#made(gather()), headers);
    } finally {
      // The turn goes over to the next one; it is given back where nobody waits.
      const next = this.#waiting.shift();
      if (next === undefined) this.#making--;
      else next();
    }
  }

  async #made(pieces: Iterable<string>): Promise<Uint8Array<ArrayBuffer>[]> {
    const chunks: Uint8Array<ArrayBuffer>[] = [];
    let text = "";
    let sliceEnd = this.#now() + SLICE_MS;
    for (const piece of pieces) {
      text += piece;
      if (text.length >= CHUNK_LENGTH) {
        chunks.push(encoder.encode(text));
        text = "";
      }
      if (this.#now() < sliceEnd) continue;
      await new Promise((resolve) => setTimeout(resolve, 0));
      sliceEnd = this.#now() + SLICE_MS;
    }
    if (text !== "") chunks.push(encoder.encode(text));
    return chunks;
  }

  #response(
    chunks: Uint8Array<ArrayBuffer>[],
    headers: Readonly<Record<string, string>>,
  ): Response {
    const bytes = chunks.reduce((sum, { length }) => sum + length, 0);
    const { unreadMs } = this.#limits;
    this.#unreadBytes += bytes;
    let held = bytes;
    let at = 0;
    let late: ReturnType<typeof setTimeout> | undefined;
    const release = () => {
      clearTimeout(late);
      this.#unreadBytes -= held;
      held = 0;
    };
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      start(controller) {
        late = setTimeout(() => giveUp(controller), unreadMs);
      },
      pull(controller) {
        clearTimeout(late);
        if (at === chunks.length) {
          release();
          return controller.close();
        }
        controller.enqueue(chunks[at++]);
        late = setTimeout(() => giveUp(controller), unreadMs);
      },
      cancel: release,
    }, { highWaterMark: 0 });
    function giveUp(controller: ReadableStreamDefaultController): void {
      release();
      controller.error(new Error(`sending a page: nothing was read for ${unreadMs} ms`));
    }
    return new Response(body, { headers: { ...headers, "content-length": String(bytes) } });
  }

  #refuseUnread(): void {
    const { unreadBytes } = this.#limits;
    if (this.#unreadBytes < unreadBytes) return;
    throw busy(`${this.#unreadBytes} bytes of pages aren't read yet, ${unreadBytes} may be`);
  }
}

function busy(reason: string): Refusal {
  return new Refusal(503, `making a page: ${reason}`, { "retry-after": "1" });
}
