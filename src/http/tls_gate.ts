/**
 * TLS between the connections that are accepted here and the runtime's server: each is passed on, byte
 * by byte, to a listener for TLS on this machine. The runtime can't end a connection whose handshake
 * isn't over, and begins it when it accepts one; so it is given only those that are held here, and can
 * be ended here.
 */

/** Texts in PEM: the certificate with those between it and its authority, and its key. */
export interface TlsPair {
  readonly cert: string;
  readonly key: string;
}

export interface Passed {
  /** Ends both sides; nothing happens where they have ended. */
  cut(): void;
  /** Resolves when both sides have ended. */
  readonly ended: Promise<void>;
}

/** Told of a connection on its inner side. */
type Arrived = (connection: Deno.TlsConn) => void;

const CHUNK_BYTES = 64 * 1024;
const HOST = "127.0.0.1";
const ACCEPT_RETRY_MS = 100;
const EARLY_MS = 1_000;

export class TlsGate {
  /** By the port that they come from; whoever else comes is none of ours. */
  readonly #expected = new Map<number, Arrived>();
  /** Those that have arrived before it was known that they were connected. */
  readonly #early = new Map<number, Deno.TlsConn>();
  #listener: Deno.TlsListener | undefined;

  /** Throws where the pair can't be used. */
  constructor(pair: TlsPair) {
    this.renew(pair);
  }

  /** For connections from now on. Throws where the pair can't be used; the one before it stays then. */
  renew(pair: TlsPair): void {
    const before = this.#listener;
    this.#listener = Deno.listenTls({
      hostname: HOST,
      port: 0,
      ...pair,
      alpnProtocols: ["h2", "http/1.1"],
    });
    this.#accept(this.#listener);
    before?.close();
  }

  pass(outer: Deno.TcpConn, arrived: Arrived): Passed {
    let inner: Deno.TcpConn | undefined;
    let isCut = false;
    const cut = () => {
      isCut = true;
      close(outer);
      if (inner !== undefined) close(inner);
    };
    const run = async () => {
      try {
        const { port } = this.#listener!.addr as Deno.NetAddr;
        inner = await Deno.connect({ hostname: HOST, port });
        if (isCut) return;
        this.#expect(inner.localAddr.port, arrived);
        await exchanged(outer, inner);
      } catch {
        // One side is gone, or there is no room for it: so is the other now.
      } finally {
        if (inner !== undefined) this.#expected.delete(inner.localAddr.port);
        cut();
      }
    };
    return { cut, ended: run() };
  }

  close(): void {
    const listener = this.#listener;
    this.#listener = undefined;
    listener?.close();
  }

  async #accept(listener: Deno.TlsListener): Promise<void> {
    for (;;) {
      let connection: Deno.TlsConn;
      try {
        connection = await listener.accept();
      } catch {
        if (listener !== this.#listener) return;
        // No room for one more: whoever accepts the outer ones has told it.
        await new Promise((resolve) => setTimeout(resolve, ACCEPT_RETRY_MS));
        continue;
      }
      const { port } = connection.remoteAddr as Deno.NetAddr;
      const arrived = this.#expected.get(port);
      this.#expected.delete(port);
      if (arrived === undefined) this.#keep(port, connection);
      else arrived(connection);
    }
  }

  #expect(port: number, arrived: Arrived): void {
    const early = this.#early.get(port);
    this.#early.delete(port);
    if (early === undefined) this.#expected.set(port, arrived);
    else arrived(early);
  }

  /** For a moment: it may be expected as soon as whoever has connected it knows so. */
  #keep(port: number, connection: Deno.TlsConn): void {
    this.#early.set(port, connection);
    setTimeout(() => {
      if (this.#early.get(port) !== connection) return;
      this.#early.delete(port);
      connection.close();
    }, EARLY_MS);
  }
}

/** Resolves when the inner side has ended; rejects where either can't be read or written any more. */
async function exchanged(outer: Deno.TcpConn, inner: Deno.TcpConn): Promise<void> {
  inner.setNoDelay(true);
  const asked = copy(outer, inner).then(() => inner.closeWrite());
  await Promise.race([copy(inner, outer), asked.then(() => new Promise<void>(() => {}))]);
}

async function copy(from: Deno.TcpConn, to: Deno.TcpConn): Promise<void> {
  const buffer = new Uint8Array(CHUNK_BYTES);
  for (;;) {
    const length = await from.read(buffer);
    if (length === null) return;
    for (let at = 0; at < length;) at += await to.write(buffer.subarray(at, length));
  }
}

function close(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch {
    // It has ended already.
  }
}
