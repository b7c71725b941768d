/** A real browser: Debian's package `chromium-headless-shell`, spoken to by its own protocol. */
import { Program } from "./process.ts";

/** The one in /usr/bin is a shell script, whose end the browser outlives. */
const BROWSER = "/usr/lib/chromium/chromium-headless-shell";
const DEADLINE_MS = 60_000;

/** Whether this machine has it; says so where it doesn't. */
export function hasBrowser(): boolean {
  try {
    const args = ["--version"];
    const { success } = new Deno.Command(BROWSER, { args, stdout: "null", stderr: "null" })
      .outputSync();
    if (success) return true;
  } catch { /* there is no such program */ }
  console.error(
    `Tests that need a browser are skipped: expected ${BROWSER}, from Debian's package`,
  );
  return false;
}

// deno-lint-ignore no-explicit-any -- the protocol's own JSON
type Json = any;

export interface Page {
  /** Every address that was asked for. */
  readonly requests: string[];
  /** What the browser has to say of the page: violated policies, errors. */
  readonly complaints: string[];
  /** An expression's value in the page. */
  value(expression: string): Promise<Json>;
}

/** Opens the address, with the page's own scripts switched off if that is wanted, and waits until it is loaded. */
export async function withPage(
  { address, scripts }: { address: string; scripts: boolean },
  work: (page: Page) => Promise<void>,
): Promise<void> {
  const profile = await Deno.makeTempDir({ prefix: "browser-" });
  const child = new Deno.Command(BROWSER, {
    // Without a sandbox: it can't be had as root, and the page is our own.
    args: [
      "--no-sandbox",
      "--remote-debugging-port=0",
      `--user-data-dir=${profile}`,
      "about:blank",
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  try {
    await using browser = new Program(child);
    const line = await browser.line("DevTools listening on ");
    const { host } = new URL(line.slice(line.indexOf("ws://")));
    const targets = await (await fetch(`http://${host}/json/list`)).json();
    const { webSocketDebuggerUrl } = targets.find((it: Json) => it.type === "page");
    using session = await Session.open(webSocketDebuggerUrl);
    const late = Promise.withResolvers<never>();
    const fault = new Error(`Open ${address}: not done within ${DEADLINE_MS} ms`);
    const timer = setTimeout(() => late.reject(fault), DEADLINE_MS);
    const visit = async () => await work(await opened(session, { address, scripts }));
    await Promise.race([visit(), late.promise]).finally(() => clearTimeout(timer));
  } finally {
    await Deno.remove(profile, { recursive: true });
  }
}

async function opened(
  session: Session,
  { address, scripts }: { address: string; scripts: boolean },
): Promise<Page> {
  const requests: string[] = [];
  const complaints: string[] = [];
  session.on("Network.requestWillBeSent", ({ request }) => requests.push(request.url));
  session.on("Log.entryAdded", ({ entry }) => complaints.push(`${entry.level}: ${entry.text}`));
  session.on("Runtime.exceptionThrown", (it) => complaints.push(it.exceptionDetails.text));
  for (const domain of ["Network", "Log", "Page", "Runtime"]) await session.ask(`${domain}.enable`);
  await session.ask("Emulation.setScriptExecutionDisabled", { value: !scripts });
  const loaded = session.next("Page.loadEventFired");
  const { errorText } = await session.ask("Page.navigate", { url: address });
  if (errorText !== undefined) throw new Error(`Open ${address}: ${errorText}`);
  await loaded;
  async function value(expression: string) {
    const { result } = await session.ask("Runtime.evaluate", { expression, returnByValue: true });
    return result.value;
  }
  return { requests, complaints, value };
}

class Session implements Disposable {
  readonly #socket: WebSocket;
  readonly #answers = new Map<number, PromiseWithResolvers<Json>>();
  readonly #listeners = new Map<string, (params: Json) => void>();
  #count = 0;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => {
      const { id, result, error, method, params } = JSON.parse(data);
      if (id === undefined) return this.#listeners.get(method)?.(params);
      const answer = this.#answers.get(id)!;
      this.#answers.delete(id);
      if (error === undefined) answer.resolve(result);
      else answer.reject(new Error(`Ask the browser: ${error.message}`));
    });
    socket.addEventListener("close", () => {
      for (const answer of this.#answers.values()) answer.reject(new Error("The browser is gone"));
    });
  }

  static async open(address: string): Promise<Session> {
    const socket = new WebSocket(address);
    await new Promise((resolve, reject) => {
      socket.addEventListener("open", resolve);
      socket.addEventListener("error", reject);
    });
    return new Session(socket);
  }

  on(event: string, listener: (params: Json) => void): void {
    this.#listeners.set(event, listener);
  }

  next(event: string): Promise<Json> {
    return new Promise((resolve) => this.on(event, resolve));
  }

  async ask(method: string, params: Json = {}): Promise<Json> {
    const id = ++this.#count;
    const answer = Promise.withResolvers<Json>();
    this.#answers.set(id, answer);
    this.#socket.send(JSON.stringify({ id, method, params }));
    return await answer.promise;
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}
