/** The cursor of a page: the last device's key, in a form that callers pass back and don't read. */

export interface DeviceKey {
  readonly tenant: string;
  readonly device: string;
}

export function writeCursor({ tenant, device }: DeviceKey): string {
  const bytes = new TextEncoder().encode(JSON.stringify([tenant, device]));
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}

/** null: it is no cursor. */
export function readCursor(text: string): DeviceKey | null {
  try {
    const bytes = Uint8Array.fromBase64(text, { alphabet: "base64url" });
    const key = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (!Array.isArray(key) || key.length !== 2) return null;
    const [tenant, device] = key;
    return typeof tenant === "string" && typeof device === "string" ? { tenant, device } : null;
  } catch {
    return null;
  }
}
