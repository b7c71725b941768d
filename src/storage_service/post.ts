/** One request to the storage service. */

export interface PostOptions {
  /** `{STORAGE_SERVICE_URL}/api/store` */
  readonly url: string;
  readonly fetch: typeof fetch;
  /** For the whole exchange, in ms. */
  readonly timeoutMs: number;
  /** Ends the exchange at once. */
  readonly abort: AbortController;
  /** ms since 1970. */
  readonly now: () => number;
}

/** `status` and `answer`, its text, are missing where there was none. */
export type PostOutcome =
  | { readonly stored: true }
  | {
    readonly stored: false;
    readonly status?: number;
    readonly cause: string;
    readonly answer?: string;
    /** What Retry-After asks for. */
    readonly afterMs?: number;
  };

/** So much of an answer is read; the connection of a longer one is given up. */
const MAX_ANSWER = 64 * 1024;
/** Bytes of it that are kept. */
const MAX_SHOWN = 1024;
/** A longer Retry-After is cut: it would be a mistake. */
const MAX_AFTER_MS = 3_600_000;

const encoder = new TextEncoder();

/** ms from `now` on that the header asks for, by seconds or by a date; 0: it says nothing. */
export function retryAfter(header: string | null, now: number): number {
  if (header === null) return 0;
  // `Date.parse` takes much for a date that isn't one.
  const date = header.endsWith(" GMT") ? Date.parse(header) : NaN;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : date - now;
  return Number.isNaN(ms) ? 0 : Math.min(Math.max(ms, 0), MAX_AFTER_MS);
}

/**
 * "refused": the service has understood the request and won't have this result. "not found": it may be
 * the result or the address. Otherwise it may be stored later.
 */
export function verdictOn(status: number | undefined): "refused" | "not found" | "later" {
  if (status === undefined || status < 400 || status >= 500) return "later";
  if ([401, 403, 407, 408, 425, 429].includes(status)) return "later";
  return [404, 405, 410].includes(status) ? "not found" : "refused";
}

/** Posts a result. Never rejects: whatever isn't a 2xx comes back as the cause. */
export async function post(
  result: { readonly id: string; readonly value: Uint8Array },
  { url, fetch, timeoutMs, abort, now }: PostOptions,
): Promise<PostOutcome> {
  const timer = setTimeout(
    () => abort.abort(new Error(`no answer within ${timeoutMs} ms`)),
    timeoutMs,
  );
  try {
    const response = await fetch(url, {
      method: "POST",
      body: result.value as Uint8Array<ArrayBuffer>,
      headers: { "content-type": "application/json", "idempotency-key": result.id },
      // A redirected POST would lose its body; the setting is what has to change.
      redirect: "manual",
      signal: abort.signal,
    });
    const { ok, status } = response;
    const text = await readAnswer(response).catch((error) => describe(error));
    if (ok) return { stored: true };
    const answer = new TextDecoder().decode(encoder.encode(text).subarray(0, MAX_SHOWN), {
      stream: true,
    });
    const afterMs = retryAfter(response.headers.get("retry-after"), now());
    return { stored: false, status, cause: `status ${status}`, answer, afterMs };
  } catch (error) {
    return { stored: false, cause: describe(abort.signal.aborted ? abort.signal.reason : error) };
  } finally {
    clearTimeout(timer);
  }
}

/** The answer has to be read to its end: only then the connection serves the next request. */
async function readAnswer(response: Response): Promise<string> {
  if (response.body === null) return "";
  if (Number(response.headers.get("content-length") ?? Infinity) <= MAX_ANSWER) {
    return response.text();
  }
  let text = "";
  let length = 0;
  for await (const chunk of response.body) {
    if (length === 0) text = new TextDecoder().decode(chunk.subarray(0, MAX_SHOWN));
    length += chunk.length;
    if (length > MAX_ANSWER) break;
  }
  return text;
}

/** Deno puts the interesting part of a network error into its causes. */
function describe(error: unknown): string {
  const messages: string[] = [];
  let at = error;
  while (at instanceof Error && messages.length < 4) {
    if (!messages.some((it) => it.includes((at as Error).message))) messages.push(at.message);
    at = at.cause;
  }
  return messages.join(": ") || String(error);
}
