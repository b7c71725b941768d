/** The line of `check --connect` about the API's port. */
import type { Config } from "../config/config.ts";
import { localAddress } from "./api_address.ts";
import type { Found, Look } from "./connection.ts";

export function portLook({ host, port }: Config): Look {
  const name = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  return {
    part: "port",
    work: async (signal): Promise<Found> => {
      if (port === 0) return { text: "any free port" };
      try {
        Deno.listen({ hostname: host, port }).close();
        return { text: `${name}: free` };
      } catch (error) {
        if (!(error instanceof Deno.errors.AddrInUse)) throw error;
      }
      if (await isEngine(localAddress({ host, port }), signal)) {
        return { text: `${name}: an engine answers there` };
      }
      return {
        text: `${name}: another program has it`,
        todo: "set METRICS_PORT to another port, or end that program",
      };
    },
    todo: () =>
      "set HOST to an address of this machine, and METRICS_PORT to a port that it may use",
  };
}

async function isEngine(address: string, signal: AbortSignal): Promise<boolean> {
  try {
    const response = await fetch(`${address}/health`, { signal });
    return (await response.json()).service === "plumbline";
  } catch {
    return false;
  }
}
