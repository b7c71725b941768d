/** Server-Sent Events, read as the HTML standard has it (9.2.5 and 9.2.6), step by step. */
export interface StreamEvent {
  readonly type: string;
  readonly data: string;
  readonly lastEventId: string;
}

export class EventParser {
  readonly events: StreamEvent[] = [];
  readonly comments: string[] = [];
  /** The last event ID string of the event source. */
  lastEventId = "";
  retry: number | undefined;
  #text = "";
  #first = true;
  #data = "";
  #type = "";
  #id = "";

  push(text: string): void {
    this.#text += text;
    if (this.#first && this.#text !== "") {
      this.#first = false;
      if (this.#text.startsWith("\ufeff")) this.#text = this.#text.slice(1);
    }
    for (;;) {
      const end = /\r\n|\n|\r(?!$)/.exec(this.#text);
      if (end === null) return;
      this.#line(this.#text.slice(0, end.index));
      this.#text = this.#text.slice(end.index + end[0].length);
    }
  }

  #line(line: string): void {
    if (line === "") return this.#dispatch();
    if (line.startsWith(":")) return void this.comments.push(line.slice(1));
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") this.#type = value;
    else if (field === "data") this.#data += `${value}\n`;
    else if (field === "id" && !value.includes("\0")) this.#id = value;
    else if (field === "retry" && /^\d+$/.test(value)) this.retry = Number(value);
  }

  #dispatch(): void {
    this.lastEventId = this.#id;
    const data = this.#data, type = this.#type;
    this.#data = this.#type = "";
    if (data === "") return;
    this.events.push({
      type: type === "" ? "message" : type,
      data: data.slice(0, -1),
      lastEventId: this.lastEventId,
    });
  }
}

/** Reads a stream until the condition holds. Throws where it ends before, or after `timeoutMs`. */
export class EventReader implements AsyncDisposable {
  readonly parser = new EventParser();
  readonly #reader: ReadableStreamDefaultReader<string>;
  /** Whether the stream has come to its end. */
  ended = false;

  constructor(body: ReadableStream<Uint8Array<ArrayBuffer>>) {
    this.#reader = body.pipeThrough(new TextDecoderStream()).getReader();
  }

  get events(): readonly StreamEvent[] {
    return this.parser.events;
  }

  async until(holds: (parser: EventParser) => boolean, timeoutMs = 30_000): Promise<void> {
    const late = AbortSignal.timeout(timeoutMs);
    while (!holds(this.parser)) {
      if (this.ended) throw new Error(`Read events: the stream has ended${this.#shown()}`);
      if (!await this.#read(late)) {
        throw new Error(`Read events: nothing within ${timeoutMs} ms${this.#shown()}`);
      }
    }
  }

  /** Reads to the stream's end. */
  async toEnd(timeoutMs = 30_000): Promise<void> {
    const late = AbortSignal.timeout(timeoutMs);
    while (!this.ended) {
      if (!await this.#read(late)) throw new Error(`Read events: no end within ${timeoutMs} ms`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#reader.cancel().catch(() => {});
  }

  /** False: too late. */
  async #read(late: AbortSignal): Promise<boolean> {
    const cut = Promise.withResolvers<undefined>();
    const stop = () => cut.resolve(undefined);
    late.addEventListener("abort", stop);
    const read = this.#reader.read().catch(() => ({ done: true, value: undefined }) as const);
    const got = await Promise.race([read, cut.promise]);
    late.removeEventListener("abort", stop);
    if (got === undefined) return false;
    if (got.done) this.ended = true;
    else this.parser.push(got.value);
    return true;
  }

  #shown(): string {
    return `; last: ${JSON.stringify(this.events.slice(-3))}`;
  }
}
