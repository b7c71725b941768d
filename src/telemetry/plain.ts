/** Anything as something that `JSON.stringify` takes, bounded in depth, width and length. */

const MAX_DEPTH = 5;
const MAX_ENTRIES = 100;
const MAX_TEXT = 4096;
const MAX_BYTES = 256;

/**
 * Never throws. Bigints become text, bytes hexadecimal text, errors their name, message, code and
 * causes; what can't be read says so.
 */
export function plain(value: unknown): unknown {
  try {
    return convert(value, []);
  } catch (error) {
    return `[unreadable: ${messageOf(error)}]`;
  }
}

function convert(value: unknown, above: readonly object[]): unknown {
  switch (typeof value) {
    case "string":
      return cut(value);
    case "number":
      return Number.isFinite(value) ? value : String(value);
    case "bigint":
    case "symbol":
      return cut(String(value));
    case "function":
      return `[function ${value.name}]`;
    case "object":
      return value === null ? null : convertObject(value, above);
    default:
      return value;
  }
}

function convertObject(value: object, above: readonly object[]): unknown {
  if (above.includes(value)) return "[circular]";
  if (above.length === MAX_DEPTH) return "[too deep]";
  const inside = [...above, value];
  if (value instanceof Uint8Array) return convertBytes(value);
  if (value instanceof Error) return convertError(value, inside);
  if (value instanceof Date) return Number.isNaN(+value) ? "Invalid Date" : value.toISOString();
  if (value instanceof Map) return convertEntries([...value], inside);
  if (Array.isArray(value) || value instanceof Set) {
    return [...value].slice(0, MAX_ENTRIES).map((it) => convert(it, inside));
  }
  return convertEntries(Object.entries(value), inside);
}

function convertEntries(entries: [unknown, unknown][], above: readonly object[]): unknown {
  return Object.fromEntries(
    entries.slice(0, MAX_ENTRIES).map(([name, value]) => [String(name), convert(value, above)]),
  );
}

function convertBytes(bytes: Uint8Array): string {
  const rest = bytes.length > MAX_BYTES ? `… (${bytes.length} bytes)` : "";
  return bytes.subarray(0, MAX_BYTES).toHex() + rest;
}

function convertError(error: Error, above: readonly object[]): unknown {
  const { name, code, cause, errors } = error as Error & { code?: unknown; errors?: unknown };
  const shown: Record<string, unknown> = { name, message: cut(error.message) };
  if (code !== undefined) shown.code = convert(code, above);
  if (cause !== undefined) shown.cause = convert(cause, above);
  if (errors !== undefined) shown.errors = convert(errors, above);
  if (error.stack !== undefined) shown.stack = cut(error.stack);
  return shown;
}

function cut(text: string): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
}

function messageOf(error: unknown): string {
  try {
    return String((error as Error).message);
  } catch {
    return "no message";
  }
}
