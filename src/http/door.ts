/** The API's address, open from the first moment on, and whoever answers there. */
import { type ApiServer, serveApi, type ServeOptions } from "./serve.ts";

export type Answering = ServeOptions["app"];

export interface Door extends Pick<ApiServer, "close" | "setTls"> {
  /** `http://host:port`, or `https://…`. */
  readonly address: string;
  /** Answers from now on. */
  answering: Answering;
}

/** Throws where the address can't be listened on. */
export function openDoor(options: ServeOptions): Door {
  const app: Answering = {
    fetch: (request, connection) => door.answering.fetch(request, connection),
  };
  const server = serveApi({ ...options, app });
  const host = options.host.includes(":") ? `[${options.host}]` : options.host;
  const door: Door = {
    address: `${options.tls === undefined ? "http" : "https"}://${host}:${server.port}`,
    answering: options.app,
    setTls: server.setTls,
    close: server.close,
  };
  return door;
}
