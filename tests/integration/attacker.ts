/** What a stranger sends who wants in, or wants to stop the engine: over sockets, as no client would. */
const encoder = new TextEncoder();

export class Attacker {
  readonly hostname: string;
  readonly port: number;
  readonly held: Deno.TcpConn[] = [];

  constructor(address: string) {
    const { hostname, port } = new URL(address);
    this.hostname = hostname;
    this.port = Number(port);
  }

  /** Sends a text as it is, and gives what comes until the engine ends the connection. */
  async exchange(text: string): Promise<string> {
    const connection = await Deno.connect({ hostname: this.hostname, port: this.port });
    await connection.write(encoder.encode(text)).catch(() => {});
    const answer = await new Response(connection.readable).arrayBuffer().catch(() => null);
    return new TextDecoder("latin1").decode(answer ?? new ArrayBuffer(0));
  }

  /** The status and text of a request whose target is sent as it stands; 0: no answer. */
  async ask(
    target: string,
    { method = "GET", headers = {}, body = "" }: {
      method?: string;
      headers?: Record<string, string>;
      body?: string;
    } = {},
  ): Promise<{ status: number; text: string }> {
    const all = { host: "x", connection: "close", "content-length": body.length, ...headers };
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`).join("");
    const text = await this.exchange(`${method} ${target} HTTP/1.1\r\n${lines}\r\n${body}`);
    return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? 0), text };
  }

  /** Opens connections, sends each the beginning of something, and holds on to them; how many there are. */
  async hold(count: number, beginnings: readonly string[]): Promise<number> {
    for (let i = 0; i < count; i++) {
      try {
        const connection = await Deno.connect({ hostname: this.hostname, port: this.port });
        this.held.push(connection);
        const text = beginnings[i % beginnings.length];
        if (text !== "") await connection.write(encoder.encode(text)).catch(() => {});
      } catch (error) {
        // This process may open no more files.
        if (!/Too many open files|os error 24/.test(String(error))) throw error;
        break;
      }
    }
    return this.held.length;
  }

  letGo(): void {
    for (const connection of this.held.splice(0)) connection.close();
  }
}

/** Targets that would be another one if somebody took them apart in the wrong order. */
export const TRICKS = [
  "/health/..%2fapi%2fstats",
  "/health/../api/stats",
  "/health/%2e%2e/api/stats",
  "/health/%252e%252e%252fapi%252fstats",
  "/health%2f..%2fapi/stats",
  "/health/live/..;/..;/api/stats",
  "/./api/stats",
  "//api/stats",
  "/api//stats",
  "/API/stats",
  "/api/stats%00",
  "/api/stats/%00/../device/d",
  "/api/stats/device/d%00",
  "/api/stats/device/..%2f..%2f..%2fhealth",
  "/api/stats/device/d/../../../metrics",
  "/api/stats;/health",
  "/api/stats?/health",
  "/\u2215api\u2215stats",
  "/%c0%ae%c0%ae/api/stats",
  "/health?x=/api/stats/../api/stats",
  "http://x/api/stats",
  "http://x/health/../api/stats",
];

/** Names that look like the tenant's, or lead to it if somebody took them for a path. */
export const LOOK_ALIKES = [
  "acme/",
  "/acme",
  "acme%00",
  "acme%2500",
  "acme%20",
  "ACME",
  "%61cme%2f",
  "..%2facme",
  "evil%2f..%2facme",
  "evil,acme",
  "%D0%B0cme",
  "acme%E2%80%8B",
  "%EF%BB%BFacme",
  "%EF%BD%81cme",
];
