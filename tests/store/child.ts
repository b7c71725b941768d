/** Another process, for what one process can't show: locks, kills, limits. */

const CONFIG = new URL("../../deno.json", import.meta.url).pathname;

export interface Child extends AsyncDisposable {
  readonly pid: number;
  /** The next line that it writes. Throws with its errors if it ends first. */
  line(): Promise<string>;
  /** Lines that came and weren't asked for. */
  rest(): Promise<string[]>;
  say(text: string): Promise<void>;
  kill(): Promise<void>;
}

/** `limit`: the greatest file that it may write, in KiB; a write beyond fails as on a full disk. */
export function startChild(
  script: string,
  options: { args: string[]; limit?: number },
): Child {
  const path = new URL(`children/${script}`, import.meta.url).pathname;
  const run = [Deno.execPath(), "run", "-A", "--config", CONFIG, path, ...options.args];
  const limited = ["sh", "-c", `trap '' XFSZ; ulimit -S -f ${(options.limit ?? 0) * 2}; exec "$@"`];
  const [command, ...args] = options.limit === undefined ? run : [...limited, "sh", ...run];
  const process = new Deno.Command(command, {
    args,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  }).spawn();
  const errors = new Response(process.stderr).text();
  const input = process.stdin.getWriter();
  const lines = linesOf(process.stdout);

  async function kill(): Promise<void> {
    try {
      process.kill("SIGKILL");
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // it has ended already
    }
    await process.status;
  }

  return {
    pid: process.pid,
    async line() {
      const { value, done } = await lines.next();
      if (done) throw new Error(`waiting for a line: the process has ended; ${await errors}`);
      return value;
    },
    rest: () => Array.fromAsync(lines),
    async say(text) {
      await input.write(new TextEncoder().encode(`${text}\n`));
    },
    kill,
    async [Symbol.asyncDispose]() {
      await kill();
      await input.close().catch(() => {}); // its other end is gone
      await lines.return(undefined);
      await errors;
    },
  };
}

async function* linesOf(stream: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
}
