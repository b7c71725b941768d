/** Requests at random that are hardly HTTP, or none at all. */
import { anyBody, pick, type Random } from "./fuzz_requests.ts";

const BROKEN_LINES = [
  "GET /api/stats HTTP/1.1",
  "POST /api/data HTTP/1.1",
  "GET http://[::bad/api/stats HTTP/1.1",
  "GET http://example.org:99999/health HTTP/1.1",
  "GET //evil.example/%2e%2e/ HTTP/1.1",
  "CONNECT example.org:443 HTTP/1.1",
  "OPTIONS * HTTP/1.1",
  "TRACE /health HTTP/1.1",
  "GET \u00e9 HTTP/1.1",
  'GET /api/stats/device/<"> HTTP/1.1',
  "GET /health HTTP/9.9",
  "GET /health",
  "get /health HTTP/1.0",
  "PRI * HTTP/2.0",
  "",
  "\u0016\u0003\u0001",
  "G\u0000ET / HTTP/1.1",
  `GET /${"a".repeat(70_000)} HTTP/1.1`,
];
const BROKEN_HEADERS = [
  "host: localhost",
  'host: a b"<',
  "host: [::",
  "host:",
  "host: x\r\nhost: y",
  "content-length: 5",
  "content-length: -1",
  "content-length: 99999999999999999999",
  "content-length: 100",
  "content-length: 4\r\ncontent-length: 5",
  "transfer-encoding: chunked",
  "transfer-encoding: chunked, gzip",
  "transfer-encoding: chunked\r\ncontent-length: 3",
  "expect: 100-continue",
  "expect: the unexpected",
  "connection: upgrade\r\nupgrade: websocket",
  "connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk",
  "content-type: application/x-ndjson",
  " folded: header",
  "no colon",
  ": no name",
  "bad name: x",
  `large: ${"x".repeat(70_000)}`,
];
const BROKEN_BODIES = [
  '5\r\n{"dev\r\n0\r\n\r\n',
  "zz\r\n{}\r\n",
  "ffffffffffffffff\r\n{}",
  "2\r\n{}",
  "0\r\n\r\nGET /health HTTP/1.1\r\nhost: x\r\n\r\n",
];

/** `mayCount`: how many readings at most may be made of it, answered or not. */
export function brokenRequest(random: Random): { bytes: Uint8Array; mayCount: number } {
  const headers = Array.from({ length: random() % 5 }, () => pick(random, BROKEN_HEADERS));
  const eol = random() % 20 === 0 ? "\n" : "\r\n";
  const head = `${[pick(random, BROKEN_LINES), ...headers].join(eol)}${eol}${eol}`;
  const body = random() % 2 === 0
    ? new TextEncoder().encode(pick(random, BROKEN_BODIES))
    : anyBody(random);
  const bytes = new Uint8Array([...new TextEncoder().encode(head), ...body]);
  const end = random() % 4 === 0 ? random() % bytes.length : bytes.length;
  return {
    bytes: bytes.subarray(0, end),
    mayCount: 1 + body.filter((byte) => byte === 10).length +
      body.filter((byte) => byte === 44).length,
  };
}
