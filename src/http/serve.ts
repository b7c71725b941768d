/** The API on a socket. */
import type { Log } from "../pipeline/ports.ts";
import { errorAnswer } from "./json.ts";
import { EVENT_STREAM } from "./stream_about.ts";

/** How long the last bytes of streams that were ended may take. */
const STREAM_MS = 500;

/** What is known of the connection that a request came by. */
export interface Connection {
  /** Where it comes from: an IP address. */
  readonly address: string;
  /** Settles when the answer was handed over whole, or the connection is gone. */
  readonly completed: Promise<void>;
}

export interface ServeOptions {
  readonly app: {
    fetch(request: Request, connection: Connection): Response | Promise<Response>;
  };
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly log: Log;
}

export interface ApiServer {
  readonly port: number;
  /** Answers new requests with 503, waits for those in hand, then closes; cuts them after `deadlineMs`. */
  close(deadlineMs: number): Promise<void>;
}

/** Throws where the address can't be listened on. */
export function serveApi(options: ServeOptions): ApiServer {
  const { host, port, log } = options;
  const cut = new AbortController();
  const open = new OpenRequests();
  const streams = new OpenRequests();
  let closing = false;

  async function answer(
    request: Request,
    info: Deno.ServeHandlerInfo<Deno.NetAddr>,
  ): Promise<Response> {
    if (closing) {
      return errorAnswer(503, "the engine stops", { connection: "close", "retry-after": "5" });
    }
    const { completed } = info;
    const leave = open.add(completed);
    const response = await options.app.fetch(request, new ConnectionOf(info));
    if (response.headers.get("content-type") === EVENT_STREAM) {
      streams.add(completed);
      leave();
    }
    return response;
  }

  function failed(error: unknown): Response {
    log.error("answering a request failed", { error, todo: "this is a defect: please report it" });
    return errorAnswer(500, "internal error; the log says more");
  }

  function listen(): Deno.HttpServer<Deno.NetAddr> {
    const onListen = ({ port }: Deno.NetAddr) => log.debug("HTTP API is up", { host, port });
    try {
      return Deno.serve(
        { hostname: host, port, signal: cut.signal, onListen, onError: failed },
        answer,
      );
    } catch (error) {
      const reason = (error as Error).message;
      const hint = error instanceof Deno.errors.AddrInUse
        ? "; METRICS_PORT takes another port"
        : "";
      throw new Error(`listening on ${host}, port ${port}: ${reason}${hint}`, { cause: error });
    }
  }

  const server = listen();
  // A shutdown sends to the end what the handlers have answered, but once it is under way nothing can
  // cut connections any more: it comes only when no handler is at work.
  async function close(deadlineMs: number): Promise<void> {
    closing = true;
    const deadline = performance.now() + deadlineMs;
    const settled = await inTime(open.settled(), deadlineMs);
    // Whoever serves streams has ended them by now. What isn't read of one holds nothing up.
    const ended = await inTime(
      streams.settled(),
      Math.min(STREAM_MS, deadline - performance.now()),
    );
    if (settled && ended) {
      await inTime(server.shutdown(), deadline - performance.now());
      return;
    }
    if (!settled) {
      log.warn("requests were cut off at the end", { requests: open.count, waitedMs: deadlineMs });
    }
    cut.abort();
    await server.finished;
  }

  return { port: server.addr.port, close };
}

/** Asks the runtime only for what is wanted. */
class ConnectionOf implements Connection {
  readonly #info: Deno.ServeHandlerInfo<Deno.NetAddr>;

  constructor(info: Deno.ServeHandlerInfo<Deno.NetAddr>) {
    this.#info = info;
  }

  get address(): string {
    return this.#info.remoteAddr.hostname;
  }

  get completed(): Promise<void> {
    return this.#info.completed;
  }
}

/** Requests that a handler is at work on, or whose answer is being read from a stream. */
class OpenRequests {
  #count = 0;
  #wake: () => void = () => {};

  get count(): number {
    return this.#count;
  }

  /** `completed` settles when the answer was handed to the connection, or that is gone. The answer counts it out before. */
  add(completed: Promise<void>): () => void {
    this.#count++;
    let counts = true;
    const done = () => {
      if (!counts) return;
      counts = false;
      if (--this.#count === 0) this.#wake();
    };
    completed.then(done, done);
    return done;
  }

  /** Resolves when there is none. */
  settled(): Promise<void> {
    if (this.#count === 0) return Promise.resolve();
    return new Promise((resolve) => this.#wake = resolve);
  }
}

/** Whether it resolves within so many ms. */
async function inTime(work: Promise<void>, ms: number): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), Math.max(0, ms));
  });
  const outcome = await Promise.race([work.then(() => true), late]);
  clearTimeout(timer);
  return outcome;
}
