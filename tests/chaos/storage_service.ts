/**
 * A storage service that keeps what it stores and can misbehave in every way. It speaks HTTP by hand:
 * a server library wouldn't cut, reset and garble. Each engine posts below a path of its own.
 */
import { Ledger } from "./ledger.ts";
import { type Request, RequestReader } from "./request_reader.ts";

export type Mood =
  | { readonly kind: "stores" | "hangs" | "resets" | "garbles" | "loses answers" | "is slow" }
  | {
    readonly kind: "answers";
    readonly status: number;
    readonly retryAfter?: number;
    /** Of the requests; the others are stored. */
    readonly share: number;
  };

const SLOW_MS = 150;

const encoder = new TextEncoder();
const GARBAGE = [
  "SSH-2.0-OpenSSH_9.2p1\r\n",
  "HTTP/1.1 500 Internal Server Error\r\ncontent-length: 100000\r\n\r\nan answer that is cut",
  "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n",
  "HTTP/1.1 \0\0\0\r\n\r\n",
];

export class StorageService implements AsyncDisposable {
  readonly url: string;
  readonly #listener: Deno.TcpListener;
  readonly #ledgers = new Map<string, Ledger>();
  readonly #connections = new Set<Deno.TcpConn>();
  readonly #random: () => number;
  readonly #serving: Promise<void>;
  #mood: Mood = { kind: "stores" };
  /** Settles when the mood changes. */
  #change = Promise.withResolvers<void>();

  constructor(random: () => number) {
    this.#random = random;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.url = `http://127.0.0.1:${this.#listener.addr.port}`;
    this.#serving = this.#accept();
  }

  set mood(mood: Mood) {
    this.#mood = mood;
    this.#change.resolve();
    this.#change = Promise.withResolvers();
  }

  /** What the engine of this name has posted. */
  ledger(engine: string): Ledger {
    let ledger = this.#ledgers.get(engine);
    if (ledger === undefined) this.#ledgers.set(engine, ledger = new Ledger());
    return ledger;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const connection of this.#connections) close(connection);
    this.#change.resolve();
    await this.#serving;
  }

  async #accept(): Promise<void> {
    for await (const connection of this.#listener) void this.#serve(connection);
  }

  async #serve(connection: Deno.TcpConn): Promise<void> {
    this.#connections.add(connection);
    const reader = new RequestReader(connection);
    try {
      for (;;) {
        // Closed with bytes unread, a connection is reset.
        if (this.#mood.kind === "resets") {
          await connection.read(new Uint8Array(1));
          break;
        }
        const request = await reader.next();
        if (request === undefined) break;
        const answer = await this.#answer(request);
        if (answer === undefined) break;
        await write(connection, answer);
        if (this.#mood.kind === "garbles") break;
      }
    } catch {
      // the engine is gone, or has given up the request
    }
    this.#connections.delete(connection);
    close(connection);
  }

  /** undefined: the connection is closed instead. */
  async #answer(request: Request): Promise<string | undefined> {
    const mood = this.#mood;
    const [, engine, ...path] = request.path.split("/");
    const ledger = this.ledger(engine);
    ledger.check({ ...request, path: `/${path.join("/")}` });
    switch (mood.kind) {
      case "hangs":
        await this.#change.promise;
        return undefined;
      case "resets":
        return undefined;
      case "garbles":
        return GARBAGE[Math.floor(this.#random() * GARBAGE.length)];
      case "is slow":
        await new Promise((resolve) => setTimeout(resolve, this.#random() * SLOW_MS));
        break;
      case "loses answers":
        ledger.store(request.body);
        return undefined;
      case "answers":
        if (this.#random() >= mood.share) break;
        ledger.refuse(request.body, mood.status);
        return response(mood.status, mood.retryAfter);
    }
    ledger.store(request.body);
    return response(200);
  }
}

function response(status: number, retryAfter?: number): string {
  const body = status === 200 ? '{"status":"success"}' : '{"status":"error"}';
  const later = retryAfter === undefined ? "" : `retry-after: ${retryAfter}\r\n`;
  return `HTTP/1.1 ${status} Chaos\r\ncontent-type: application/json\r\n${later}` +
    `content-length: ${body.length}\r\n\r\n${body}`;
}

async function write(to: Deno.TcpConn, text: string): Promise<void> {
  const bytes = encoder.encode(text);
  for (let at = 0; at < bytes.length;) at += await to.write(bytes.subarray(at));
}

function close(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch {
    // closed before
  }
}
