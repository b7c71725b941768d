/** The cursor of a page: where the last one ended, in a form that callers pass back and don't read. */

export interface DeviceKey {
  readonly tenant: string;
  readonly device: string;
}

export function writeCursor({ tenant, device }: DeviceKey): string {
  return writeParts([tenant, device]);
}

/** null: it is no cursor. */
export function readCursor(text: string): DeviceKey | null {
  const [tenant, device, ...more] = readParts(text) ?? [];
  return typeof tenant === "string" && typeof device === "string" && more.length === 0
    ? { tenant, device }
    : null;
}

export function writeParts(parts: readonly unknown[]): string {
  const bytes = new TextEncoder().encode(JSON.stringify(parts));
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}

/** null: nothing of ours. */
export function readParts(text: string): unknown[] | null {
  try {
    const bytes = Uint8Array.fromBase64(text, { alphabet: "base64url" });
    const parts = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    return Array.isArray(parts) ? parts : null;
  } catch {
    return null;
  }
}
