/** One HTTP request after another from a connection, read by hand; bodies have a content-length. */

export interface Request {
  readonly method: string;
  readonly path: string;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

const decoder = new TextDecoder("utf-8", { fatal: true });
/** Longer ones don't come from an engine. */
const MAX_BYTES = 4 * 1024 ** 2;

export class RequestReader {
  readonly #connection: Deno.TcpConn;
  #bytes = new Uint8Array(16_384);
  #end = 0;

  constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  /** undefined: the connection has ended between two requests. Throws where it ends within one. */
  async next(): Promise<Request | undefined> {
    let head = this.#headEnd();
    while (head < 0) {
      if (!await this.#more()) return undefined;
      head = this.#headEnd();
    }
    const [first, ...lines] = decoder.decode(this.#bytes.subarray(0, head)).split("\r\n");
    const [method, path] = first.split(" ");
    const headers = new Map(lines.map((line): [string, string] => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }));
    const end = head + 4 + Number(headers.get("content-length") ?? 0);
    while (this.#end < end) {
      if (!await this.#more()) throw new Error(`reading a request of ${end} bytes: ${this.#end}`);
    }
    const body = decoder.decode(this.#bytes.subarray(head + 4, end));
    this.#bytes.copyWithin(0, end, this.#end);
    this.#end -= end;
    return { method, path, headers, body };
  }

  /** Where the empty line begins that ends the headers; -1: it isn't there yet. */
  #headEnd(): number {
    const bytes = this.#bytes;
    for (let i = 0; i + 3 < this.#end; i++) {
      if (bytes[i] === 13 && bytes[i + 1] === 10 && bytes[i + 2] === 13 && bytes[i + 3] === 10) {
        return i;
      }
    }
    return -1;
  }

  async #more(): Promise<boolean> {
    if (this.#end === this.#bytes.length) {
      if (this.#end >= MAX_BYTES) throw new Error(`reading a request: over ${MAX_BYTES} bytes`);
      const wider = new Uint8Array(this.#end * 2);
      wider.set(this.#bytes);
      this.#bytes = wider;
    }
    const count = await this.#connection.read(this.#bytes.subarray(this.#end));
    this.#end += count ?? 0;
    return count !== null;
  }
}
