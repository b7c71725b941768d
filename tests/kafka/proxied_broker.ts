import { type Broker, startBroker } from "../../tools/broker.ts";
import { freePort } from "../../tools/ports.ts";

/** A second listener whose address, as clients are told it, is the proxy's. */
export async function proxiedBroker(
  path: string,
  { inner, outer }: { inner: number; outer: number },
): Promise<Broker> {
  const [port, controller] = [await freePort(), await freePort()];
  return await startBroker({
    dir: `${path}/broker`,
    port,
    config: {
      "controller.quorum.voters": `1@127.0.0.1:${controller}`,
      "listeners":
        `PLAINTEXT://127.0.0.1:${port},PROXIED://127.0.0.1:${inner},CONTROLLER://127.0.0.1:${controller}`,
      "advertised.listeners": `PLAINTEXT://127.0.0.1:${port},PROXIED://127.0.0.1:${outer}`,
      "listener.security.protocol.map":
        "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT",
    },
  });
}
