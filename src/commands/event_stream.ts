/** Server-Sent Events as a client reads them (WHATWG HTML, section 9.2.6). */
export interface ServerEvent {
  readonly type: string;
  readonly data: string;
}

/** Longest event that is read: nobody's stream may fill the memory. */
const MAX_LENGTH = 16 << 20;

/** The events of one stream, and what it says beside them. */
export class EventStream {
  readonly #body: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** Called whenever something came, comments included. */
  readonly #onBytes: () => void;
  /** Where to go on after the last event that was read; empty: nowhere yet. */
  lastId: string;
  /** How long to wait before coming back, ms; undefined: it doesn't say. */
  retry: number | undefined;
  #id: string;
  #type = "";
  #data: string[] = [];
  #length = 0;

  constructor(
    body: ReadableStream<Uint8Array<ArrayBuffer>>,
    options: { lastId: string; onBytes: () => void },
  ) {
    this.#body = body;
    this.lastId = this.#id = options.lastId;
    this.#onBytes = options.onBytes;
  }

  /** What came together stands together, in order. Throws where the connection breaks, or an event is endless. */
  async *events(): AsyncGenerator<ServerEvent[]> {
    let rest = "";
    for await (const text of this.#body.pipeThrough(new TextDecoderStream())) {
      this.#onBytes();
      // A CR at the end may be half of a line break.
      const lines = (rest + text).split(/\r\n|\n|\r(?!$)/);
      rest = lines.pop()!;
      this.#bound(rest.length);
      const events = lines.map((line) => this.#line(line)).filter((it) => it !== undefined);
      if (events.length > 0) yield events;
    }
  }

  #line(line: string): ServerEvent | undefined {
    if (line === "") return this.#dispatch();
    const [, field, value] = /^([^:]*)(?:: ?(.*))?$/s.exec(line)!;
    if (field === "data") this.#add(value ?? "");
    else if (field === "event") this.#type = value ?? "";
    else if (field === "id" && !value?.includes("\0")) this.#id = value ?? "";
    else if (field === "retry" && /^\d{1,9}$/.test(value ?? "")) this.retry = Number(value);
    return undefined;
  }

  #add(data: string): void {
    this.#data.push(data);
    this.#length += data.length;
    this.#bound(this.#length);
  }

  #dispatch(): ServerEvent | undefined {
    this.lastId = this.#id;
    const type = this.#type || "message", data = this.#data;
    this.#type = "";
    this.#data = [];
    this.#length = 0;
    return data.length === 0 ? undefined : { type, data: data.join("\n") };
  }

  #bound(length: number): void {
    if (length <= MAX_LENGTH) return;
    throw new RangeError(
      `reading events: expected at most ${MAX_LENGTH} characters, got ${length}`,
    );
  }
}
