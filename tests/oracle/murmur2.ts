/**
 * The partition that Java's default partitioner gives a key: murmur2 (32 bit, seed 0x9747b28c, by
 * Austin Appleby) with the sign bit cleared, modulo the number of partitions.
 */
export function partitionOf(key: Uint8Array, partitions: number): number {
  return (murmur2(key) & 0x7fffffff) % partitions;
}

/** Signed, as Java has it. */
export function murmur2(key: Uint8Array): number {
  const multiplier = 0x5bd1e995;
  let hash = 0x9747b28c ^ key.length;
  const words = key.length >> 2;
  for (let word = 0; word < words; word++) {
    const at = word * 4;
    let k = key[at] | (key[at + 1] << 8) | (key[at + 2] << 16) | (key[at + 3] << 24);
    k = Math.imul(k, multiplier);
    k ^= k >>> 24;
    hash = Math.imul(hash, multiplier) ^ Math.imul(k, multiplier);
  }
  const rest = words * 4;
  if (key.length - rest === 3) hash ^= key[rest + 2] << 16;
  if (key.length - rest >= 2) hash ^= key[rest + 1] << 8;
  if (key.length - rest >= 1) hash = Math.imul(hash ^ key[rest], multiplier);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, multiplier);
  return (hash ^ (hash >>> 15)) | 0;
}
