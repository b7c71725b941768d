/** A request that tells when all of it is there. */

/** What the routes use of a `Request`. */
export class WatchedRequest
  implements Pick<Request, "method" | "url" | "headers" | "signal" | "body" | "bytes"> {
  readonly #request: Request;
  readonly #whole: () => void;
  #body: ReadableStream<Uint8Array<ArrayBuffer>> | null | undefined;

  constructor(request: Request, whole: () => void) {
    this.#request = request;
    this.#whole = whole;
  }

  get method(): string {
    return this.#request.method;
  }

  get url(): string {
    return this.#request.url;
  }

  get headers(): Headers {
    return this.#request.headers;
  }

  get signal(): AbortSignal {
    return this.#request.signal;
  }

  /** Nothing is read before somebody asks for it: a read that is under way keeps the connection. */
  get body(): ReadableStream<Uint8Array<ArrayBuffer>> | null {
    if (this.#body !== undefined) return this.#body;
    const { body } = this.#request;
    return this.#body = body === null ? null : this.#watched(body);
  }

  #watched(
    body: ReadableStream<Uint8Array<ArrayBuffer>>,
  ): ReadableStream<Uint8Array<ArrayBuffer>> {
    let reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>> | undefined;
    return new ReadableStream({
      pull: async (controller) => {
        reader ??= body.getReader();
        const { done, value } = await reader.read();
        if (!done) return controller.enqueue(value);
        this.#whole();
        controller.close();
      },
      cancel: (reason) => reader?.cancel(reason),
    }, { highWaterMark: 0 });
  }

  async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = await this.#request.bytes();
    this.#whole();
    return bytes;
  }
}
