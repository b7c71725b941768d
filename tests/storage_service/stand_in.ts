/** A storage service on loopback that answers as a test wants it to, and remembers what it was sent. */

export interface Post {
  readonly device: string;
  readonly id: string;
  readonly body: string;
  readonly headers: Headers;
  /** The client's port: tells connections apart. */
  readonly connection: number;
  /** How often this id came before. */
  readonly attempt: number;
}

export type Answer = (post: Post) => Response | Promise<Response>;

export const stored = () => Response.json({ status: "success" });

export class StandIn implements AsyncDisposable {
  readonly posts: Post[] = [];
  /** Ids answered with 2xx, in the order of the answers. */
  readonly stored: string[] = [];
  answer: Answer;
  /** Requests without an answer now, and the most there were. */
  open = 0;
  mostOpen = 0;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #cut = new AbortController();
  #waiters: (() => void)[] = [];

  constructor(answer: Answer = stored, port = 0) {
    this.answer = answer;
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port, signal: this.#cut.signal, onListen: () => {} },
      (request, info) => this.#handle(request, (info.remoteAddr as Deno.NetAddr).port),
    );
  }

  get port(): number {
    return this.#server.addr.port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Resolves when the condition holds; it is looked at after each request and each answer. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiters.push(resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#cut.abort();
    await this.#server.finished;
  }

  async #handle(request: Request, connection: number): Promise<Response> {
    const body = await request.text();
    const { device_id: device, id } = JSON.parse(body);
    const attempt = this.posts.filter((it) => it.id === id).length;
    const post = { device, id, body, headers: request.headers, connection, attempt };
    this.posts.push(post);
    this.mostOpen = Math.max(this.mostOpen, ++this.open);
    this.#wake();
    if (new URL(request.url).pathname !== "/base/api/store") {
      return new Response(null, { status: 404 });
    }
    const response = await this.answer(post);
    this.open--;
    if (response.ok) this.stored.push(id);
    this.#wake();
    return response;
  }

  #wake(): void {
    for (const wake of this.#waiters.splice(0)) wake();
  }
}
