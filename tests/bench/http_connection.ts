/** A connection that asks one request after the other, cheaply: the load must not be what is measured. */

/** The server has closed the connection instead of answering. */
export class ConnectionEnded extends Error {
  override readonly name = "ConnectionEnded";
}

const END_OF_HEAD = new TextEncoder().encode("\r\n\r\n");
const decoder = new TextDecoder("latin1");

export interface Answer {
  readonly status: number;
  /** Valid until the next request. */
  readonly body: Uint8Array;
}

/** Answers must have a `content-length`; chunked ones are refused with an error. */
export class HttpConnection implements Disposable {
  readonly #connection: Deno.Conn;
  #buffer = new Uint8Array(64 * 1024);

  private constructor(connection: Deno.TcpConn) {
    connection.setNoDelay(true);
    this.#connection = connection;
  }

  static async open(address: string): Promise<HttpConnection> {
    const { hostname, port } = new URL(address);
    return new HttpConnection(await Deno.connect({ hostname, port: Number(port) }));
  }

  /** Sends a whole request, head and body, and waits for its answer. */
  async ask(request: Uint8Array): Promise<Answer> {
    for (let sent = 0; sent < request.length;) {
      sent += await this.#connection.write(request.subarray(sent));
    }
    const isHead = decoder.decode(request.subarray(0, 5)) === "HEAD ";
    let length = 0;
    let bodyStart = -1;
    let end = Infinity;
    let status = 0;
    while (length < end) {
      if (length === this.#buffer.length) this.#grow();
      const read = await this.#connection.read(this.#buffer.subarray(length));
      if (read === null) {
        throw new ConnectionEnded(`Read an answer: the connection ended after ${length} bytes`);
      }
      length += read;
      if (bodyStart >= 0) continue;
      bodyStart = headEnd(this.#buffer.subarray(0, length));
      if (bodyStart < 0) continue;
      const head = decoder.decode(this.#buffer.subarray(0, bodyStart));
      status = Number(head.slice(9, 12));
      const announced = /\r\ncontent-length: *(\d+)/i.exec(head);
      if (announced === null) throw new Error(`Read an answer: no content-length in ${head}`);
      end = bodyStart + (isHead ? 0 : Number(announced[1]));
    }
    return { status, body: this.#buffer.subarray(bodyStart, end) };
  }

  [Symbol.dispose](): void {
    this.#connection.close();
  }

  #grow(): void {
    const larger = new Uint8Array(this.#buffer.length * 2);
    larger.set(this.#buffer);
    this.#buffer = larger;
  }
}

/** Where the body begins; -1: the head isn't complete. */
function headEnd(bytes: Uint8Array): number {
  for (let at = bytes.indexOf(13); at >= 0; at = bytes.indexOf(13, at + 1)) {
    if (END_OF_HEAD.every((byte, i) => bytes[at + i] === byte)) return at + 4;
  }
  return -1;
}

/** A request's bytes; the body may be anything. */
export function requestBytes(
  line: string,
  body: {
    bytes: Uint8Array;
    type?: string;
    headers?: readonly (readonly [string, string])[];
  } | null = null,
): Uint8Array {
  const headers: (readonly [string, string])[] = [["host", "localhost"], ...body?.headers ?? []];
  if (body !== null) headers.push(["content-length", String(body.bytes.length)]);
  if (body?.type !== undefined) headers.push(["content-type", body.type]);
  const fields = headers.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const head = new TextEncoder().encode(`${line} HTTP/1.1\r\n${fields}\r\n`);
  const all = new Uint8Array(head.length + (body?.bytes.length ?? 0));
  all.set(head);
  if (body !== null) all.set(body.bytes, head.length);
  return all;
}
