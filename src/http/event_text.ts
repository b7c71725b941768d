/** Server-Sent Events as bytes (WHATWG HTML, section 9.2.6). */
const encoder = new TextEncoder();

/** What stands in front of a result's id, and between that and its text. */
const ID = encoder.encode("id: ");
const RESULT = encoder.encode("\nevent: result\ndata: ");
const ANOMALY = encoder.encode("\nevent: anomaly\ndata: ");
const END = encoder.encode("\n\n");

/** One after the other into a buffer that grows as it must, and is used again. */
export class EventText {
  #bytes = new Uint8Array(96 << 10);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** `value`: JSON text in one line, as `body` has it from `start` to `end`. */
  result(
    id: string,
    value: { readonly body: Uint8Array; readonly start: number; readonly end: number },
    options: { anomaly: boolean },
  ): void {
    const { body, start, end } = value;
    this.#room(ID.length + id.length + ANOMALY.length + (end - start) + END.length);
    this.#copy(ID);
    this.#ascii(id);
    this.#copy(options.anomaly ? ANOMALY : RESULT);
    this.#bytes.set(body.subarray(start, end), this.#length);
    this.#length += end - start;
    this.#copy(END);
  }

  text(text: string): void {
    const bytes = encoder.encode(text);
    this.#room(bytes.length);
    this.#copy(bytes);
  }

  /** All that was written, and begins anew. */
  take(): Uint8Array<ArrayBuffer> {
    const taken = this.#bytes.slice(0, this.#length);
    this.#length = 0;
    return taken;
  }

  #copy(bytes: Uint8Array): void {
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #ascii(text: string): void {
    for (let i = 0; i < text.length; i++) this.#bytes[this.#length++] = text.charCodeAt(i);
  }

  #room(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return;
    const larger = new Uint8Array(2 * (this.#length + bytes));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}

/** An event other than a result; `data` is JSON, which has no line breaks. */
export function eventText(of: { id: string; event: string; data: string }): string {
  return `id: ${of.id}\nevent: ${of.event}\ndata: ${of.data}\n\n`;
}

/** Tells a reader where it stands, without an event. */
export function idText(id: string): string {
  return `id: ${id}\n\n`;
}
