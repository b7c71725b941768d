/** Where something stands in a file: `tenants.acme.detectors[0].max`. */
export function pathText(path: readonly PropertyKey[]): string {
  const text = path.map(step).join("");
  return text.startsWith(".") ? text.slice(1) : text;
}

/** `.name`, `["a name"]` or `[0]`. */
function step(key: PropertyKey): string {
  if (typeof key === "number") return `[${key}]`;
  const name = String(key);
  return /^[\w-]+$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`;
}
