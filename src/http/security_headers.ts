/** Headers that every answer has, whoever made it. */

/** An answer that is no page does nothing at all where somebody shows it as one. */
const DATA_POLICY = "default-src 'none'; frame-ancestors 'none'";
/** A page loads what the program itself brings, and nobody else frames it. */
const PAGE_POLICY =
  "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; " +
  "form-action 'none'; frame-ancestors 'none'";

/**
 * Of an answer that is no page: what matters there, and no more, since the runtime is slower with five
 * headers than with four. No header allows another origin anything: there is no CORS.
 */
export const SECURITY_HEADERS = {
  "x-content-type-options": "nosniff",
  "content-security-policy": DATA_POLICY,
  // What is known now may be wrong a moment later, and is for whoever has asked.
  "cache-control": "no-store",
};

const OF_PAGES = {
  ...SECURITY_HEADERS,
  "content-security-policy": PAGE_POLICY,
  // For browsers that don't know the policy's `frame-ancestors`.
  "x-frame-options": "DENY",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
};

/** Browsers that have been here over TLS come back over TLS alone. */
const ONLY_TLS = "max-age=31536000";

/** The answer, with what it lacks of these headers; a route may set its own policy or cache-control. */
export function secured(response: Response, { tls }: { tls?: unknown }): Response {
  const { headers } = response;
  if (tls !== undefined) headers.set("strict-transport-security", ONLY_TLS);
  const isPage = headers.get("content-type")?.startsWith("text/html") ?? false;
  // JSON answers have all of them.
  if (!isPage && headers.has("content-security-policy")) return response;
  for (const [name, value] of Object.entries(isPage ? OF_PAGES : SECURITY_HEADERS)) {
    if (!headers.has(name)) headers.set(name, value);
  }
  return response;
}
