/** Why something failed, in a few words: clients wrap the reason in sentences of their own. */
export function reasonOf(error: unknown): string {
  if (error instanceof DOMException && error.name === "TimeoutError") return "no answer in time";
  let inner = error;
  while (inner instanceof Error) {
    const next = inner instanceof AggregateError ? inner.errors[0] : inner.cause;
    if (!(next instanceof Error)) break;
    inner = next;
  }
  const message = inner instanceof Error ? inner.message : String(inner);
  // "… client error (Connect): tcp connect error: Connection refused (os error 111)"
  return message.replace(/^.*\berror: /s, "").replace(/ \(os error \d+\)$|\.$/, "");
}
