/** Requests at random, from nearly right to nonsense; a seed determines all of them. */

/** 0 to 2^32 - 1. */
export type Random = () => number;

export interface AnyRequest {
  readonly method: string;
  /** With its query; printable ASCII. */
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Uint8Array | null;
}

const encoder = new TextEncoder();

/** In a path: a dead letter's number that there may be. */
const NUMBER = "<number>";
const MAX_NUMBER = 2_000;

const PATHS = [
  "/",
  "/health",
  "/health/live",
  "/health/ready",
  "/api/stats",
  "/api/stats/device/a",
  "/api/stats/device/b%2Fc",
  "/api/stats/device/a/readings?tenant=default",
  "/api/stats/device/b%2Fc/readings?format=csv&tenant=t",
  "/metrics",
  "/api/devices",
  "/api/tenants",
  "/api/tenants?tenant=t&limit=2",
  "/api/devices?limit=3&search=A&sort=score&order=asc&silent_for=1",
  "/api/anomalies",
  "/api/anomalies?limit=3&device=a&min_score=1&since=2026-01-01T00:00:00Z",
  "/api/data",
  "/api/dead-letters",
  "/api/dead-letters?limit=3&sink=input&reason=d",
  `/api/dead-letters/${NUMBER}`,
  "/api/dead-letters/replay",
  "/api/dead-letters/discard",
  "/api/stream",
  "/api/stream?tenant=t&anomalies=true&after=x",
  "/api/admin/reload",
  "/openapi.json",
  "/docs",
];
const PATH_PIECES = [
  ...[
    "/",
    "//",
    "..",
    "/./",
    "%",
    "%2F",
    "%00",
    "%zz",
    "%E0%A4%A",
    "%F0%9F%98%80",
    "?",
    "&",
    "=",
    "#",
  ],
  ...["?limit=5", "?limit=-1", "&limit=1e9", "?after=W10", "?after=%ff", "?tenant=", "?tenant=t"],
  ...["?sink=input", "&sink=x", "?since=2026-01-01T00:00:00Z", "&until=9", "?after=1e9"],
  ...["?device=a", "&anomalies=false", "&anomalies=1", "?after=00000000.1.0"],
  ...["?readings=false", "&readings=x", "+", ";", "*", ":", "@", "[", "a".repeat(300), "0", "~"],
];
const METHODS = ["GET", "GET", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"];
const HEADERS = [
  ...["accept", "accept-encoding", "authorization", "content-language", "cookie", "if-none-match"],
  ...[
    "origin",
    "range",
    "te",
    "user-agent",
    "x-forwarded-for",
    "last-event-id",
    "x-\u0021odd",
    "prefer",
    "forwarded",
  ],
];
const HEADER_VALUES = [
  ...["", "*", "text/html", "bytes=0-", "bytes=9-1", "Basic Og==", "gzip;q=0", '"a"', "a=b; c"],
  ...[
    "x".repeat(2000),
    "null",
    "0",
    "-1",
    "\u00ff\u00fe",
    "%00",
    "{}",
    "http://[::1",
    "keep-alive",
  ],
];
const TYPES = [
  ...["application/json", "application/json", "application/x-ndjson", "application/x-ndjson"],
  ...[
    "text/plain",
    "multipart/form-data",
    "",
    ";",
    "APPLICATION/X-NDJSON;charset=x",
    "application/",
  ],
];
const ENCODINGS = ["gzip", "br", "identity", "", "deflate, gzip"];

const READINGS = [
  '{"device_id":"a","temperature":21.5,"humidity":45.25,"timestamp":"2026-01-01T00:00:00Z"}',
  '{"device_id":"b/c","tenant_id":"t","temperature":35,"humidity":90}',
  '{"device_id":"half","tenant_id":"sampled","temperature":1e300}',
  '{"device_id":"m","metrics":{"co2":412.5,"pm2.5":3,"__proto__":1},"temperature":-0}',
  '{"device_id":"\\u00e9\\"","temperature":null}',
  '{"device_id":7}',
  "{}",
];
const BODY_PIECES = [
  ...["{", "}", "[", "]", '"', "\\", ",", ":", " ", "\n", "\r\n", "\t", "0", "-", "e999", "null"],
  ...[
    "true",
    '"device_id":"z",',
    '"tenant_id":"sampled",',
    '"temperature":2,',
    "\\ud800",
    "\u2028",
  ],
  ...[
    "[[[[[[[[",
    "]]]]]]]]",
    "\ufeff",
    "\u0000",
    "\u00ff",
    "1e400",
    "9".repeat(400),
    "x".repeat(700),
  ],
].map((piece) => encoder.encode(piece)).concat([[0xff], [0xc3], [0xed, 0xa0, 0x80], [0x80]].map(
  (bytes) => Uint8Array.from(bytes),
));

export function pick<T>(random: Random, from: readonly T[]): T {
  return from[random() % from.length];
}

const SELECTIONS = [
  '{"numbers":[1,2,3]}',
  '{"numbers":[5],"dry_run":true}',
  '{"filter":{"sink":"input","until":"2026-01-01T00:00:00Z"},"dry_run":true}',
  '{"filter":{"reason":"device_id"}}',
  '{"filter":{}}',
  '{"filter":{"id":"\\u0000","tenant":"t","since":"1999-12-31T23:59:59.999+01:00"}}',
  '{"filter":{"sink":"storage"}}',
  '{"filter":{"sinks":"storage"}}',
  '{"numbers":[1e30,-1,"2",null,0.5]}',
  '{"numbers":[]}',
  "[]",
  "null",
];

/** A replay or a discard, nearly right. */
function letterRequest(random: Random): AnyRequest {
  let body: Uint8Array = encoder.encode(pick(random, SELECTIONS));
  for (let left = random() % 3; left > 0; left--) body = changed(body, random);
  return {
    method: "POST",
    path: `/api/dead-letters/${pick(random, ["replay", "replay", "discard"])}`,
    headers: bodyHeaders(random),
    body,
  };
}

/** Half of them are posts of readings: what changes something is what must not go wrong. */
/** `letter`: a dead letter that there may be. */
export function anyRequest(random: Random, letter: number): AnyRequest {
  if (random() % 40 === 0) return letterRequest(random);
  if (random() % 2 === 0) {
    return {
      method: "POST",
      path: "/api/data",
      headers: bodyHeaders(random),
      body: anyBody(random),
    };
  }
  const method = pick(random, METHODS);
  const hasBody = method !== "GET" && method !== "HEAD" && random() % 3 > 0;
  return {
    method,
    path: anyPath(random, letter),
    headers: [...anyHeaders(random), ...(hasBody ? bodyHeaders(random) : [])],
    body: hasBody ? anyBody(random) : null,
  };
}

function anyPath(random: Random, letter: number): string {
  const number = random() % 2 === 0 ? letter : random() % MAX_NUMBER;
  let path = pick(random, PATHS).replace(NUMBER, `${number}`);
  for (let changes = random() % 4; changes > 0; changes--) {
    const at = 1 + random() % path.length;
    const piece = pick(random, PATH_PIECES);
    path = random() % 3 === 0
      ? path.slice(0, at) + path.slice(at + 1)
      : path.slice(0, at) + piece + path.slice(at);
  }
  return path;
}

function anyHeaders(random: Random): [string, string][] {
  return Array.from(
    { length: random() % 4 },
    () => [pick(random, HEADERS), pick(random, HEADER_VALUES)],
  );
}

function bodyHeaders(random: Random): [string, string][] {
  const headers: [string, string][] = [["content-type", pick(random, TYPES)]];
  if (random() % 40 === 0) headers.push(["content-encoding", pick(random, ENCODINGS)]);
  return headers;
}

export function anyBody(random: Random): Uint8Array {
  const readings = Array.from({ length: random() % 6 }, () => pick(random, READINGS));
  const joined = random() % 2 === 0 ? readings.join("\n") : `[${readings.join(", ")}]`;
  let body: Uint8Array = encoder.encode(random() % 3 > 0 ? pick(random, READINGS) : joined);
  if (random() % 200 === 0) {
    body = new Uint8Array(random() % 40_000).fill(pick(random, [0x20, 0x5b]));
  }
  const changes = random() % 3 === 0 ? 0 : random() % 4;
  for (let left = changes; left > 0; left--) body = changed(body, random);
  return body;
}

/** One change: bytes put in, taken out, or cut off. */
function changed(body: Uint8Array, random: Random): Uint8Array {
  const at = random() % (body.length + 1);
  const [piece, gone] = random() % 3 === 0
    ? [new Uint8Array(0), random() % 8]
    : [pick(random, BODY_PIECES), random() % 2];
  const rest = random() % 10 === 0 ? new Uint8Array(0) : body.subarray(at + gone);
  const result = new Uint8Array(at + piece.length + rest.length);
  result.set(body.subarray(0, at));
  result.set(piece, at);
  result.set(rest, at + piece.length);
  return result;
}
