/** Answers that may be streams without an end: how they begin, then they are left. */
import { EVENT_STREAM } from "../../src/http/stream_about.ts";

/** The body's text; of a stream what comes first. */
export async function startOf(response: Response): Promise<string> {
  if (response.headers.get("content-type") !== EVENT_STREAM || response.body === null) {
    return await response.text();
  }
  const reader = response.body.getReader();
  const { value } = await reader.read();
  await reader.cancel();
  return new TextDecoder().decode(value);
}

export function mayStream({ method, path }: { method: string; path: string }): boolean {
  return method === "GET" && path.startsWith("/api/stream");
}

/** Sends a request on a connection of its own. Throws where that ends before the answer has a body. */
export async function askStream(
  address: string,
  request: Uint8Array,
): Promise<{ status: number; text: string }> {
  const { hostname, port } = new URL(address);
  using connection = await Deno.connect({ hostname, port: Number(port) });
  for (let sent = 0; sent < request.length;) {
    sent += await connection.write(request.subarray(sent));
  }
  const decoder = new TextDecoder("latin1");
  const bytes = new Uint8Array(64 * 1024);
  for (let answer = "";;) {
    const read = await connection.read(bytes);
    if (read === null) {
      throw new Error(
        `Read an answer: the connection ended after ${answer}${new TextDecoder().decode(request)}`,
      );
    }
    answer += decoder.decode(bytes.subarray(0, read));
    const end = answer.indexOf("\r\n\r\n");
    if (end < 0) continue;
    const head = answer.slice(0, end), body = answer.slice(end + 4);
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    const status = Number(head.slice(9, 12));
    if (length !== undefined && body.length >= Number(length)) return { status, text: body };
    // In chunks: the first one's text.
    const chunk = /^[0-9a-f]+\r\n(.+)\r\n/s.exec(body);
    if (length === undefined && chunk !== null) return { status, text: chunk[1] };
  }
}
