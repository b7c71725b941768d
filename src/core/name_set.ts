/** A part of a row's bytes. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

const encoder = new TextEncoder();

/**
 * Names that are looked up as they stand in a row, in UTF-8: each result is looked at, and of the names
 * there may be thousands.
 */
export class NameSet {
  readonly #names = new Map<number, Uint8Array[]>();

  constructor(names: Iterable<string>) {
    for (const name of names) {
      const bytes = encoder.encode(name);
      const hash = hashOf(bytes, { start: 0, end: bytes.length });
      const alike = this.#names.get(hash);
      if (alike === undefined) this.#names.set(hash, [bytes]);
      else alike.push(bytes);
    }
  }

  has(bytes: Uint8Array, range: ByteRange): boolean {
    const alike = this.#names.get(hashOf(bytes, range));
    return alike !== undefined && alike.some((name) => isSame(name, { bytes, ...range }));
  }
}

/** FNV-1a, 32 bits. */
function hashOf(bytes: Uint8Array, { start, end }: ByteRange): number {
  let hash = 0x811c9dc5;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i], 0x01000193);
  return hash;
}

function isSame(
  name: Uint8Array,
  { bytes, start, end }: ByteRange & { readonly bytes: Uint8Array },
): boolean {
  if (end - start !== name.length) return false;
  for (let i = 0; i < name.length; i++) if (bytes[start + i] !== name[i]) return false;
  return true;
}
