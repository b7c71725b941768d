/** The API on a socket. */
import type { Log } from "../pipeline/ports.ts";
import { errorAnswer } from "./json.ts";

export interface ServeOptions {
  readonly app: { fetch(request: Request): Response | Promise<Response> };
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly log: Log;
}

export interface ApiServer {
  readonly port: number;
  /** Takes no new connection; waits for the answers in hand, at most `deadlineMs`, then cuts them. */
  close(deadlineMs: number): Promise<void>;
}

/** Throws where the address can't be listened on. */
export function serveApi({ app, host, port, log }: ServeOptions): ApiServer {
  const cut = new AbortController();
  let server: Deno.HttpServer<Deno.NetAddr>;
  try {
    server = Deno.serve({
      hostname: host,
      port,
      signal: cut.signal,
      onListen: ({ port }) => log.info("HTTP API is up", { host, port }),
      onError: (error) => {
        log.error("answering a request failed", { error });
        return errorAnswer(500, "internal error; the log says more");
      },
    }, (request) => app.fetch(request));
  } catch (error) {
    const reason = (error as Error).message;
    throw new Error(`listening on ${host}, port ${port}: ${reason}`, { cause: error });
  }

  async function close(deadlineMs: number): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<"late">((resolve) => {
      timer = setTimeout(() => resolve("late"), deadlineMs);
    });
    const outcome = await Promise.race([server.shutdown(), late]);
    clearTimeout(timer);
    if (outcome !== "late") return;
    log.warn("requests were cut off at the end", { waitedMs: deadlineMs });
    cut.abort();
    await server.finished;
  }

  return { port: server.addr.port, close };
}
