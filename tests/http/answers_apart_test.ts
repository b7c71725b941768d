/**
 * Many connections at once, most of them up to something: whatever they send, each answer goes to whoever
 * asked. (The runtime's server gives a parser to the next connection as soon as one has failed.)
 */
import assert from "node:assert/strict";
import { serveApi } from "../../src/http/serve.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { seededRandom } from "../harness/random.ts";

const WORKERS = 24;
const TURNS = 400;

const encoder = new TextEncoder();
const decoder = new TextDecoder("latin1");

/** Answers with what was asked, after a moment or at once, in one piece or as a stream. */
function echo(random: () => number) {
  return {
    async fetch(request: Request): Promise<Response> {
      const { pathname } = new URL(request.url);
      if (random() < 0.3) await new Promise((resolve) => setTimeout(resolve, 0));
      const bytes = random() < 0.8 ? await request.bytes() : new Uint8Array();
      const body = decoder.decode(bytes);
      const text = `${pathname} ${body}`;
      if (random() < 0.2) return new Response(new Blob([text]).stream());
      return new Response(text, { headers: { "content-length": String(text.length) } });
    },
  };
}

/** What a connection may do besides asking properly; `mark` names it in everything that it sends. */
const MISDEEDS: ((mark: string) => string)[] = [
  (mark) => `BREW ${mark} HTTP/1.1\r\nhost: x\r\n\r\n`,
  (mark) => `GET ${mark} HTTP/9.9\r\nhost: x\r\n\r\nGET ${mark}-more HTTP/1.1\r\nhost: x\r\n\r\n`,
  (mark) => `GET ${mark} HTTP/1.1\r\nno colon\r\n\r\nGET ${mark}-more HTTP/1.1\r\nhost: x\r\n\r\n`,
  (mark) => `GET ${mark} HTTP/1.1\r\nlarge: ${"x".repeat(20_000)}\r\n\r\n`,
  (mark) => `POST ${mark} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n${mark}`,
  (mark) => `POST ${mark} HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nshort ${mark}`,
  (mark) =>
    `GET ${mark} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\nGET ${mark}-more HTTP/1.1\r\n`,
  (mark) => `CONNECT a:80 HTTP/1.1\r\nhost: x\r\n\r\nGET ${mark} HTTP/1.1\r\nhost: x\r\n\r\n`,
  (mark) =>
    `GET ${mark} HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n` +
    `GET ${mark}-more HTTP/1.1\r\nhost: x\r\n\r\n`,
  (mark) => `POST ${mark} HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n`,
  (mark) => `GET ${mark} HTTP/1.1\r\nhost: x\r\nslow: `,
  () => "",
];

class Client {
  readonly #mark: string;
  readonly #connection: Deno.TcpConn;
  #received = "";

  constructor(mark: string, connection: Deno.TcpConn) {
    this.#mark = mark;
    this.#connection = connection;
    this.reading = this.#read();
  }

  readonly reading: Promise<void>;

  async send(text: string): Promise<void> {
    await this.#connection.write(encoder.encode(text)).catch(() => {});
  }

  /** Waits for the answer that ends with this text; false: the connection ended first. */
  async answered(end: string): Promise<boolean> {
    for (let ended = false; !ended;) {
      if (this.#received.includes(end)) return true;
      ended = await Promise.race([
        this.reading.then(() => true),
        new Promise<false>((resolve) => setTimeout(() => resolve(false), 1)),
      ]);
    }
    return this.#received.includes(end);
  }

  close(): void {
    try {
      this.#connection.close();
    } catch {
      // the server was faster
    }
  }

  async #read(): Promise<void> {
    const buffer = new Uint8Array(65536);
    for (;;) {
      const length = await this.#connection.read(buffer).catch(() => null);
      if (length === null) return;
      this.#received += decoder.decode(buffer.subarray(0, length));
      for (const [mark] of this.#received.matchAll(/\/w\d+c\d+/g)) {
        assert.equal(mark, this.#mark, "an answer that is another connection's");
      }
    }
  }
}

Deno.test("whatever connections do, no answer reaches another one", async () => {
  const random = seededRandom(11);
  const log = createLog({ level: "error", write: () => {}, now: () => 0 });
  const { port, close } = await serveApi({
    app: echo(random),
    host: "127.0.0.1",
    port: 0,
    limits: { waitMs: 300, bodyMs: 600, maxConnections: 40 },
    log,
  });
  let answers = 0, misdeeds = 0;
  async function work(worker: number): Promise<void> {
    for (let turn = 0, connection = 0; turn < TURNS; connection++) {
      const mark = `/w${worker}c${connection}`;
      const client = new Client(mark, await Deno.connect({ hostname: "127.0.0.1", port }));
      for (let open = true; open && turn < TURNS; turn++) {
        const path = `${mark}-${turn}`;
        if (random() < 0.15) {
          misdeeds++;
          const misdeed = MISDEEDS[Math.floor(random() * MISDEEDS.length)];
          await client.send(misdeed(path));
          // It goes on as if nothing were, or only ends when the server has had enough.
          if (random() < 0.5) await client.send(`GET ${path}-on HTTP/1.1\r\nhost: x\r\n\r\n`);
          if (random() < 0.1) await client.reading;
          open = false;
        } else if (random() < 0.5) {
          await client.send(`GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`);
          open = await client.answered(`${path} `);
        } else {
          const body = `body of ${path}.`;
          await client.send(
            `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n` +
              `${body}GET ${path}-next HTTP/1.1\r\nhost: x\r\n\r\n`,
          );
          open = await client.answered(`${path}-next `);
        }
        if (open) answers++;
      }
      if (random() < 0.5) client.close();
      else await client.send("\r\n\r\nGET ");
    }
  }
  await Promise.all(Array.from({ length: WORKERS }, (_, worker) => work(worker)));
  assert.ok(answers > 5_000 && misdeeds > 500, `${answers} answers, ${misdeeds} misdeeds`);
  await close(1_000);
});
