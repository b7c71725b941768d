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

/**
 * Connections to brokers, one for each address. One that has failed or closed is made anew by the
 * next `get`; requests in flight on it have been answered with an error by then.
 */
export class Connections {
  readonly #clientId: string;
  readonly #options: kafka.ConnectionOptions;
  readonly #byAddress = new Map<string, Promise<kafka.Connection>>();
  #closed = false;

  constructor(clientId: string, options: kafka.ConnectionOptions = {}) {
    this.#clientId = clientId;
    this.#options = options;
  }

  /** Rejects where the broker can't be reached within the connect timeout (5 s unless told), or after `close`. */
  get(address: Address): Promise<kafka.Connection> {
    if (this.#closed) return Promise.reject(new Error("connecting to a broker: already closed"));
    const key = `${address.host}:${address.port}`;
    const known = this.#byAddress.get(key);
    if (known) return known;
    const opening = this.#open(address, () => {
      if (this.#byAddress.get(key) === opening) this.#byAddress.delete(key);
    });
    this.#byAddress.set(key, opening);
    return opening;
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

  /** Requests in flight fail. */
  async close(): Promise<void> {
    this.#closed = true;
    const open = [...this.#byAddress.values()];
    this.#byAddress.clear();
    await Promise.allSettled(open.map(async (opening) => await (await opening).close()));
  }

  async #open(address: Address, forget: () => void): Promise<kafka.Connection> {
    const connection = new kafka.Connection(this.#clientId, this.#options);
    // The library emits "error" besides calling back; without a listener that would end the process.
    connection.on("error", () => {
      forget();
      void connection.close();
    });
    connection.on("close", forget);
    try {
      await connection.connect(address.host, address.port);
    } catch (error) {
      forget();
      throw error;
    }
    return connection;
  }
}
