/** The API on a socket. */
import type { Log } from "../pipeline/ports.ts";
import { seldom } from "../telemetry/seldom.ts";
import { type ConnectionServer, serveConnection } from "./connection_server.ts";
import {
  CONNECTION_LIMITS,
  type ConnectionLimits,
  Connections,
  type HeldConnection,
} from "./connections.ts";
import { errorAnswer } from "./json.ts";
import { OpenRequests } from "./open_requests.ts";
import { secured } from "./security_headers.ts";
import { EVENT_STREAM } from "./stream_about.ts";
import { TlsGate, type TlsPair } from "./tls_gate.ts";
import { WatchedRequest } from "./watched_request.ts";

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
  /** Without it nothing is encrypted. */
  readonly tls?: TlsPair;
  readonly limits?: Partial<ConnectionLimits>;
  readonly log: Log;
}

export interface ApiServer {
  readonly port: number;
  /**
   * New connections get this one, those that stand keep what they have; only where there is TLS already.
   * Throws where it can't be used, and nothing has changed.
   */
  setTls(pair: TlsPair): void;
  /** Answers new requests with 503, waits for those in hand, then closes; cuts them after `deadlineMs`. */
  close(deadlineMs: number): Promise<void>;
}

/** So often it is seen that a client is late. */
const SWEEP_MS = 1_000;
/** After so long connections are accepted again that the machine had no room for. */
const ACCEPT_RETRY_MS = 100;

/** Throws where the address can't be listened on. */
export function serveApi(options: ServeOptions): ApiServer {
  const { host, log } = options;
  const limits = { ...CONNECTION_LIMITS, ...options.limits };
  const now = () => performance.now();
  const connections = new Connections({ limits, now });
  const servers = new Set<ConnectionServer>();
  /** Resolve when a connection has ended. */
  const connected = new Set<Promise<void>>();
  const open = new OpenRequests();
  const streams = new OpenRequests();
  const rarely = seldom(log, { now });
  let dropped = 0;
  let closing = false;

  function take(connection: Deno.TcpConn): void {
    let cut = () => connection.close();
    const held = connections.add(() => cut());
    if (connections.dropped > dropped) tellDropped();
    if (held === undefined) return connection.close();
    connection.setNoDelay(true);
    const { hostname: address } = connection.remoteAddr;
    let ended: Promise<void>;
    if (gate === undefined) {
      const server = serve(connection, { held, address });
      cut = server.cut;
      ended = server.finished;
    } else ({ cut, ended } = gate.pass(connection, (inner) => serve(inner, { held, address })));
    connected.add(ended);
    ended.finally(() => {
      connected.delete(ended);
      held.closed();
    });
  }

  function serve(
    connection: Deno.TcpConn | Deno.TlsConn,
    { held, address }: { held: HeldConnection; address: string },
  ): ConnectionServer {
    const server = serveConnection(connection, {
      answer: (request, { completed }) => answer(request, { held, from: { address, completed } }),
      failed,
    });
    servers.add(server);
    server.finished.finally(() => servers.delete(server));
    return server;
  }

  function tellDropped(): void {
    dropped = connections.dropped;
    rarely.warn("there are too many connections: those that wait for their clients longest go", {
      connections: connections.open,
      dropped,
      todo: "see who opens them; HTTP_MAX_CONNECTIONS allows more",
    });
  }

  async function answer(
    request: Request,
    { held, from }: { held: HeldConnection; from: Connection },
  ): Promise<Response> {
    if (closing) {
      const headers = { connection: "close", "retry-after": "5" };
      return secured(errorAnswer(503, "the engine stops", headers), options);
    }
    const here = held.request();
    let among = open;
    among.add();
    const over = () => {
      among.remove();
      here.over();
    };
    from.completed.then(over, over);
    const isWhole = request.method === "GET" || request.method === "HEAD";
    if (isWhole) here.whole();
    const watched = isWhole
      ? request
      : new WatchedRequest(request, here.whole) as unknown as Request;
    const response = secured(await options.app.fetch(watched, from), options);
    if (response.headers.get("content-type") === EVENT_STREAM) {
      among.remove();
      among = streams;
      among.add();
    } else here.answered();
    return response;
  }

  function failed(error: unknown): Response {
    log.error("answering a request failed", { error, todo: "this is a defect: please report it" });
    return secured(errorAnswer(500, "internal error; the log says more"), options);
  }

  /** Until the listener is closed. */
  async function accept(): Promise<void> {
    for (;;) {
      let connection: Deno.TcpConn;
      try {
        connection = await listener.accept();
      } catch (error) {
        if (closing) return;
        // The client was gone already, or the machine has no room for one more.
        if (error instanceof Deno.errors.ConnectionAborted) continue;
        rarely.warn("connections can't be accepted", {
          error,
          connections: connections.open,
          todo: "raise the limit of open files (ulimit -n), or lower HTTP_MAX_CONNECTIONS",
        });
        connections.dropOldest();
        await new Promise((resolve) => setTimeout(resolve, ACCEPT_RETRY_MS));
        continue;
      }
      take(connection);
    }
  }

  const gate = options.tls === undefined ? undefined : new TlsGate(options.tls);
  const listener = listen(options);
  const { port } = listener.addr;
  log.debug("HTTP API is up", { host, port });
  const sweeper = setInterval(() => connections.sweep(), Math.min(SWEEP_MS, limits.waitMs));
  const accepting = accept();

  // A shutdown sends to the end what the handlers have answered, but once it is under way nothing can
  // cut connections any more: it comes only when no handler is at work.
  async function close(deadlineMs: number): Promise<void> {
    closing = true;
    const deadline = now() + deadlineMs;
    const settled = await inTime(open.settled(), deadlineMs);
    // Whoever serves streams has ended them by now. What isn't read of one holds nothing up.
    const ended = await inTime(streams.settled(), Math.min(STREAM_MS, deadline - now()));
    listener.close();
    await accepting;
    clearInterval(sweeper);
    if (settled && ended) {
      for (const server of servers) server.shutdown();
      await inTime(all(connected), deadline - now());
      gate?.close();
      return;
    }
    if (!settled) {
      log.warn("requests were cut off at the end", { requests: open.count, waitedMs: deadlineMs });
    }
    connections.end();
    await all(connected);
    gate?.close();
  }

  return { port, setTls: (pair) => gate?.renew(pair), close };
}

async function all(promises: Iterable<Promise<void>>): Promise<void> {
  await Promise.all([...promises]);
}

function listen({ host, port }: { host: string; port: number }): Deno.TcpListener {
  try {
    return Deno.listen({ hostname: host, port });
  } catch (error) {
    const reason = (error as Error).message;
    const hint = error instanceof Deno.errors.AddrInUse ? "; METRICS_PORT takes another port" : "";
    throw new Error(`listening on ${host}, port ${port}: ${reason}${hint}`, { cause: error });
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
