/** Choosing TCP ports for a broker on this machine. */

// Below the ports that systems hand out to outgoing connections (Linux: from 32768). A client that
// retries a dead broker's port from that range can connect to itself and so keep the port taken.
const LOWEST = 20_000;
const HIGHEST = 31_999;

/** Whether nothing listens on the port and we could. */
export async function portIsFree(port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    return false;
  } catch (error) {
    if (!(error instanceof Deno.errors.ConnectionRefused)) throw error;
  }
  try {
    Deno.listen({ hostname: "127.0.0.1", port }).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return false;
    throw error;
  }
}

/** Given out before: whoever wants several of them binds none before it has them all. */
const given = new Set<number>();

/**
 * A free port, another one each time. Nothing reserves it: whoever binds it later must be ready to find
 * it taken.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST + 1));
    if (given.has(port) || !await portIsFree(port)) continue;
    given.add(port);
    return port;
  }
  throw new Error(`Find a free port: 100 tries between ${LOWEST} and ${HIGHEST} were all in use`);
}
