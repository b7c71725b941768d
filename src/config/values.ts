/**
 * How one setting's text becomes a value. A parser returns the value or throws `NotAllowed` with the
 * reason; what is allowed in words stands beside it in `settings.ts`.
 */

/** A text that a setting doesn't take; the message says why. */
export class NotAllowed extends Error {
  override readonly name = "NotAllowed";
}

/** `true` or `false`, in any case. */
export function parseBoolean(text: string): boolean {
  const word = text.toLowerCase();
  if (word !== "true" && word !== "false") throw new NotAllowed("is neither true nor false");
  return word === "true";
}

const logLevels = ["debug", "info", "warn", "error"] as const;

export function parseLogLevel(text: string): (typeof logLevels)[number] {
  const level = logLevels.find((it) => it === text.toLowerCase());
  if (level === undefined) throw new NotAllowed("is no level");
  return level;
}

/** One of a few words, in any case. */
export function oneOf<const T extends string>(...words: readonly T[]): (text: string) => T {
  return (text) => {
    const word = words.find((it) => it.toLowerCase() === text.toLowerCase());
    if (word === undefined) throw new NotAllowed(`is none of ${words.join(", ")}`);
    return word;
  };
}

/** As `oneOf`; an empty text is a value, too. */
export function oneOfOrEmpty<const T extends string>(
  ...words: readonly T[]
): (text: string) => T | "" {
  const parse = oneOf(...words);
  return (text) => text === "" ? "" : parse(text);
}

/** A whole number in decimal digits, both bounds included. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    if (!/^\d{1,16}$/.test(text)) throw new NotAllowed("is no whole number");
    return bounded(Number(text), { min, max, unit: "" });
  };
}

const units: Record<string, number> = { "": 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

/** Bytes, plain or with KiB, MiB or GiB behind the number; both bounds included. */
export function byteSize(min: number, max: number): (text: string) => number {
  return (text) => {
    const match = /^(\d{1,16})\s?(|KiB|MiB|GiB)$/.exec(text);
    if (match === null) throw new NotAllowed("is no size");
    return bounded(Number(match[1]) * units[match[2]], { min, max, unit: " bytes" });
  };
}

const times: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A time in ms, written as a number with s, m, h or d; 0 is Infinity: no limit. */
export function duration(max: number): (text: string) => number {
  return (text) => {
    if (text === "0") return Infinity;
    const match = /^(\d{1,10})\s?([smhd])$/.exec(text);
    if (match === null) throw new NotAllowed("is no time");
    return bounded(Number(match[1]) * times[match[2]], { min: 1000, max, unit: " ms" });
  };
}

const policies = ["block", "drop_oldest", "drop_newest"] as const;

export function parsePolicy(text: string): (typeof policies)[number] {
  const policy = policies.find((it) => it === text.toLowerCase());
  if (policy === undefined) throw new NotAllowed("is no policy");
  return policy;
}

function bounded(value: number, limits: { min: number; max: number; unit: string }): number {
  const { min, max, unit } = limits;
  if (value < min) throw new NotAllowed(`is below ${min}${unit}`);
  if (value > max) throw new NotAllowed(`is above ${max}${unit}`);
  return value;
}

/** Kafka's own rule for a topic's name. */
export function parseTopic(text: string): string {
  if (text === "." || text === "..") throw new NotAllowed("is a reserved name");
  if (text.length > 249) throw new NotAllowed(`has ${text.length} characters, 249 are allowed`);
  const wrong = /[^a-zA-Z0-9._-]/u.exec(text);
  if (wrong !== null) throw new NotAllowed(`has the character ${JSON.stringify(wrong[0])}`);
  return text;
}

/** Text without control characters, `max` code units at most. */
export function plainText(max: number): (text: string) => string {
  return (text) => {
    if (text.length > max) {
      throw new NotAllowed(`has ${text.length} characters, ${max} are allowed`);
    }
    if (/\p{Cc}/u.test(text)) throw new NotAllowed("has a control character");
    return text;
  };
}

/** `host:port`, comma-separated; an IPv6 address stands in brackets. */
export function parseBrokers(text: string): readonly string[] {
  const brokers = text.split(",").map((part) => part.trim()).filter((part) => part !== "");
  if (brokers.length === 0) throw new NotAllowed("names no broker");
  for (const broker of brokers) {
    const match = /^(\[[0-9a-fA-F:.]+\]|[a-zA-Z0-9._-]+):(\d{1,5})$/.exec(broker);
    if (match === null) {
      throw new NotAllowed(`has ${JSON.stringify(broker)}, which is no host:port`);
    }
    const port = Number(match[2]);
    if (port < 1 || port > 65535) throw new NotAllowed(`has the port ${port}`);
  }
  return Object.freeze([...new Set(brokers)]);
}

/** A host's name or address to listen on. */
export function parseHost(text: string): string {
  const host = text.startsWith("[") && text.endsWith("]") ? text.slice(1, -1) : text;
  if (!/^([a-zA-Z0-9._-]+|[0-9a-fA-F:.]+)$/.test(host)) throw new NotAllowed("is no host");
  return host;
}

/** Whether only programs on this machine can reach an address. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}

/** A base address without a trailing slash; empty: off. */
export function parseServiceUrl(text: string): string {
  if (text === "") return "";
  const url = URL.parse(text);
  if (url === null) throw new NotAllowed("is no address");
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new NotAllowed(`has the scheme ${url.protocol.slice(0, -1)}`);
  }
  if (url.username !== "" || url.password !== "") throw new NotAllowed("has a user or password");
  if (url.search !== "" || url.hash !== "") throw new NotAllowed("has a query or fragment");
  return url.origin + url.pathname.replace(/\/+$/, "");
}

/** Names of sinks, comma-separated; empty: none. */
export function parseSinks(text: string): readonly ("output" | "storage")[] {
  const sinks = text.split(",").map((part) => part.trim()).filter((part) => part !== "");
  return Object.freeze(sinks.map((sink) => {
    if (sink === "output" || sink === "storage") return sink;
    throw new NotAllowed(`names ${JSON.stringify(sink)}, which is no sink`);
  }));
}
