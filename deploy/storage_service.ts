/**
 * A storage service to try the engine with: it takes results at POST /api/store as the contract has it, and
 * keeps each once, by its Idempotency-Key, as a line of `results.ndjson` in the folder. Run it with the port
 * and the folder. It ends where a result can't be written: an answer would say that it was.
 */
const FILE = "results.ndjson";
/** Keys that are known again; a repetition comes soon or never. */
const KEYS = 100_000;
const MAX_BYTES = 1024 ** 2;
const encoder = new TextEncoder();

interface Stored {
  readonly status: number;
  readonly message: string;
}

/** Keeps results until the process ends. */
export function createStorage(dir: string): (request: Request) => Promise<Response> {
  const file = Deno.openSync(`${dir}/${FILE}`, { create: true, append: true });
  const keys = new Set<string>();

  function store(text: string, key: string | null): Stored {
    const fault = faultIn(text);
    if (fault !== undefined) return { status: 400, message: fault };
    if (key === null || !keys.has(key)) {
      const line = encoder.encode(`${JSON.stringify(JSON.parse(text))}\n`);
      for (let at = 0; at < line.length;) at += file.writeSync(line.subarray(at));
      if (key !== null) remember(key);
    }
    return { status: 200, message: "Data stored successfully" };
  }

  function remember(key: string): void {
    keys.add(key);
    if (keys.size > KEYS) keys.delete(keys.values().next().value!);
  }

  return async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/health") return answer({ status: 200, message: "ok" });
    if (pathname !== "/api/store") return answer({ status: 404, message: "no such address" });
    if (request.method !== "POST") {
      await request.body?.cancel();
      return answer({ status: 405, message: "results are posted" });
    }
    if (Number(request.headers.get("content-length") ?? Infinity) > MAX_BYTES) {
      await request.body?.cancel();
      return answer({ status: 413, message: `more than ${MAX_BYTES} bytes, or no length is told` });
    }
    return answer(store(await request.text(), request.headers.get("idempotency-key")));
  };
}

/** What the service in use refuses, too. */
function faultIn(text: string): string | undefined {
  let result: unknown;
  try {
    result = JSON.parse(text);
  } catch {
    return "Invalid JSON data: it isn't JSON";
  }
  if (typeof result !== "object" || result === null) return "Invalid JSON data: expected an object";
  const members = result as Record<string, unknown>;
  for (const name of ["device_id", "tenant_id"]) {
    if (typeof members[name] !== "string" || members[name] === "") {
      return `Invalid JSON data: ${name} is required`;
    }
  }
  return undefined;
}

function answer({ status, message }: Stored): Response {
  return Response.json({ status: status === 200 ? "success" : "error", message }, { status });
}

if (import.meta.main) {
  const [port, dir] = Deno.args;
  if (!/^\d+$/.test(port ?? "") || !dir) {
    console.error("storage_service: expected a port and a folder");
    Deno.exit(2);
  }
  const server = Deno.serve({
    port: Number(port),
    onListen: ({ port }) => console.log(`storage_service: listening on port ${port}`),
    onError: failed,
  }, createStorage(dir));
  Deno.addSignalListener("SIGTERM", () => server.shutdown());
  await server.finished;
}

function failed(error: unknown): never {
  console.error(error);
  Deno.exit(1);
}
