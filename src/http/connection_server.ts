/**
 * The runtime's HTTP server on one connection. `Deno.serve` is made of it, but shows nobody its
 * connections: how many there are, who has sent nothing for a while. It isn't in the runtime's
 * documentation (docs/decisions/0003-connections-of-our-own.md); the tests hold it to what is used here.
 */

export type Answer = (
  request: Request,
  info: Deno.ServeHandlerInfo,
) => Response | Promise<Response>;

export interface ConnectionServer {
  /** Resolves when the connection is gone. */
  readonly finished: Promise<void>;
  /** Ends it when what is answered is out. */
  shutdown(): Promise<void>;
  /** Ends it at once; nothing happens where it has ended. */
  cut(): void;
}

type ServeOnConnection = (
  connection: Deno.Conn,
  signal: AbortSignal,
  answer: Answer,
  failed: (error: unknown) => Response,
  onListen: (scheme: string) => void,
) => Pick<ConnectionServer, "finished" | "shutdown">;

const { internal } = Deno as unknown as { internal: symbol };
const runtime = (Deno as unknown as Record<symbol, { serveHttpOnConnection: ServeOnConnection }>)[
  internal
];

/** `failed` is told what `answer` throws, and answers. */
export function serveConnection(
  connection: Deno.Conn,
  { answer, failed }: { answer: Answer; failed: (error: unknown) => Response },
): ConnectionServer {
  const signal = new CutSignal();
  const server = runtime.serveHttpOnConnection(
    connection,
    signal as unknown as AbortSignal,
    answer,
    failed,
    () => {},
  );
  return {
    // It rejects where what came was no HTTP: the client has been told, and nobody else needs to know.
    finished: server.finished.catch(() => {}),
    shutdown: () => server.shutdown(),
    cut: () => signal.cut(),
  };
}

/**
 * As much of an `AbortSignal` as the server uses. A real one reports what its listener throws as an
 * error that nobody has caught, which ends the process; this one throws where the connection is about
 * to end by itself.
 */
class CutSignal {
  readonly aborted = false;
  #listener: () => void = () => {};

  addEventListener(_type: "abort", listener: () => void): void {
    this.#listener = listener;
  }

  removeEventListener(): void {
    this.#listener = () => {};
  }

  cut(): void {
    try {
      this.#listener();
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }
}
