import { kafka } from "../../deps.ts";

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Reads `host:port`; `[::1]:9092` for IPv6. Throws where there is no port. */
export function parseAddress(text: string): Address {
  const colon = text.lastIndexOf(":");
  const port = Number(text.slice(colon + 1));
  if (colon < 1 || !Number.isInteger(port) || port < 1 || port > 65535) {
    throw new Error(`reading a broker's address: expected host:port, got ${JSON.stringify(text)}`);
  }
  return { host: text.slice(0, colon).replace(/^\[(.*)\]$/, "$1"), port };
}

interface Opening {
  readonly connection: kafka.Connection;
  readonly connected: Promise<kafka.Connection>;
}

/**
 * Connections to brokers, one for each address. One that has failed or closed is made anew by the
 * next `get`; requests in flight on it have been answered with an error by then.
 */
export class Connections {
  readonly #clientId: string;
  readonly #options: kafka.ConnectionOptions;
  readonly #byAddress = new Map<string, Opening>();
  #closed = false;

  constructor(clientId: string, options: kafka.ConnectionOptions = {}) {
    this.#clientId = clientId;
    this.#options = options;
  }

  /** Rejects where the broker can't be reached within the connect timeout (5 s unless told), or after `close`. */
  get(address: Address): Promise<kafka.Connection> {
    if (this.#closed) return Promise.reject(new Error("connecting to a broker: already closed"));
    const key = `${address.host}:${address.port}`;
    let opening = this.#byAddress.get(key);
    if (!opening) {
      opening = this.#open(address, key);
      this.#byAddress.set(key, opening);
    }
    return opening.connected;
  }

  /** The first of these brokers that can be reached; rejects with the last one's error. */
  async any(addresses: readonly Address[]): Promise<kafka.Connection> {
    let failure: unknown = new Error("connecting to a broker: no address is known");
    for (const address of addresses) {
      try {
        return await this.get(address);
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }

  /** Requests in flight fail. Doesn't wait for brokers that aren't connected yet. */
  async close(): Promise<void> {
    this.#closed = true;
    const all = [...this.#byAddress.values()];
    this.#byAddress.clear();
    for (const { connected } of all) connected.then((late) => late.close(), () => {});
    const ready = all.filter(({ connection }) => connection.isConnected());
    await Promise.all(ready.map(({ connection }) => connection.close()));
  }

  #open(address: Address, key: string): Opening {
    const connection = new kafka.Connection(this.#clientId, this.#options);
    const forget = () => {
      if (this.#byAddress.get(key)?.connection === connection) this.#byAddress.delete(key);
    };
    // The library emits "error" besides calling back; without a listener that would end the process.
    connection.on("error", () => {
      forget();
      void connection.close();
    });
    connection.on("close", forget);
    return { connection, connected: this.#connect(connection, { address, forget }) };
  }

  async #connect(
    connection: kafka.Connection,
    { address, forget }: { address: Address; forget: () => void },
  ): Promise<kafka.Connection> {
    try {
      await connection.connect(address.host, address.port);
      return connection;
    } catch (error) {
      forget();
      throw error;
    }
  }
}
