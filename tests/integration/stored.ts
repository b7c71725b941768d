/** A storage service to post results to, which can go away, hang and refuse. */

export interface Post {
  readonly id: string;
  readonly device: string;
  readonly body: string;
}

export type Mood = "stores" | "hangs" | "fails";

export class StorageStandIn implements AsyncDisposable {
  readonly port: number;
  mood: Mood = "stores";
  /** Requests that weren't as the contract wants them. */
  readonly faults: string[] = [];
  /** What was stored, in the order of its arrival. */
  readonly posts: Post[] = [];
  /** Most requests that were under way at the same time. */
  busiest = 0;
  readonly #underWay = new Set<string>();
  readonly #wake = new Set<() => void>();
  #server: Deno.HttpServer<Deno.NetAddr> | undefined;
  #abort = new AbortController();

  constructor() {
    this.port = this.#listen(0);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Closes the port and every connection. */
  async goAway(): Promise<void> {
    this.#abort.abort();
    await this.#server?.finished;
    this.#server = undefined;
    this.#underWay.clear();
  }

  comeBack(): void {
    this.#listen(this.port);
  }

  /** Waits until `holds` after one of the next posts; throws after a minute. */
  async until(holds: () => boolean): Promise<void> {
    const late = AbortSignal.timeout(60_000);
    while (!holds()) {
      if (late.aborted) throw new Error(`Wait for posts: ${this.posts.length} after a minute`);
      await new Promise<void>((resolve) => {
        const wake = () => {
          this.#wake.delete(wake);
          late.removeEventListener("abort", wake);
          resolve();
        };
        this.#wake.add(wake);
        late.addEventListener("abort", wake);
      });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.goAway();
  }

  #listen(port: number): number {
    this.#abort = new AbortController();
    const options = { port, hostname: "127.0.0.1", signal: this.#abort.signal, onListen() {} };
    this.#server = Deno.serve(options, (request) => this.#answer(request));
    return this.#server.addr.port;
  }

  async #answer(request: Request): Promise<Response> {
    const body = await request.text();
    const { device_id, id } = JSON.parse(body);
    const { pathname } = new URL(request.url);
    const type = request.headers.get("content-type");
    const key = request.headers.get("idempotency-key");
    if (request.method !== "POST" || pathname !== "/api/store") {
      this.faults.push(`${request.method} ${pathname}`);
    }
    if (type !== "application/json" || key !== id) this.faults.push(`${type} ${key} for ${id}`);
    // While it hangs, a request that was given up may not have ended here when the next one comes.
    if (this.mood === "stores" && this.#underWay.has(device_id)) {
      this.faults.push(`two requests at once for ${device_id}`);
    }
    this.#underWay.add(device_id);
    this.busiest = Math.max(this.busiest, this.#underWay.size);
    try {
      if (this.mood === "hangs") await aborted(request.signal);
      if (this.mood !== "stores") return new Response("{}", { status: 503 });
      // Gives other requests the time to overtake, if they could.
      await new Promise((resolve) => setTimeout(resolve, 0));
      this.posts.push({ id, device: device_id, body });
      return Response.json({ status: "success" });
    } finally {
      this.#underWay.delete(device_id);
      for (const wake of this.#wake) wake();
    }
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve());
  });
}
