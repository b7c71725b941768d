/** systemd's notification socket: sd_notify's protocol, a datagram of lines `NAME=value`. */
import type { Environment } from "../config/setting_value.ts";

export interface NotifySocket extends Disposable {
  /** Rejects where nobody listens. */
  send(text: string): Promise<void>;
}

const encoder = new TextEncoder();

/**
 * undefined: nobody wants to be told. Throws where the socket can't be used: Deno must have been given
 * `--unstable-net`, and may have to read and write both paths.
 */
export function openNotifySocket(env: Environment, dataDir: string): NotifySocket | undefined {
  const path = env.NOTIFY_SOCKET;
  if (path === undefined || path === "") return undefined;
  if (!path.startsWith("/")) {
    throw new Error(`opening the socket ${path}: expected a path, it is an abstract address`);
  }
  if (typeof Deno.listenDatagram !== "function") {
    throw new Error(`opening the socket ${path}: Deno wasn't started with --unstable-net`);
  }
  // Deno sends from no socket without a name. The name isn't needed once it is bound.
  const [folder] = (env.RUNTIME_DIRECTORY || dataDir).split(":");
  const own = `${folder}/notify-${Deno.pid}`;
  const socket = Deno.listenDatagram({ transport: "unixpacket", path: own });
  Deno.removeSync(own);
  return {
    async send(text) {
      await socket.send(encoder.encode(text), { transport: "unixpacket", path });
    },
    [Symbol.dispose]: () => socket.close(),
  };
}
