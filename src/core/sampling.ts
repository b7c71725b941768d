/**
 * Whether a reading is taken: a hash of tenant, device and id (FNV-1a over the UTF-16 code units, then
 * the finaliser of MurmurHash3), so that a replay decides the same.
 */
export function isSampled(
  sampling: number,
  reading: { tenant: string; device: string; id: string },
): boolean {
  if (sampling >= 1) return true;
  let hash = mix(0x811c9dc5, reading.tenant);
  hash = mix(hash, reading.device);
  hash = mix(hash, reading.id);
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  hash ^= hash >>> 16;
  return (hash >>> 0) / 4294967296 < sampling;
}

/** A separator that can't stand in a name keeps ("a", "bc") apart from ("ab", "c"). */
function mix(hash: number, text: string): number {
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return Math.imul(hash ^ 0x1f, 0x01000193);
}
