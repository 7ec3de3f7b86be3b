/**
 * 32-bit hash of `bytes[start, end)`, read in words of four: the multiply-rotate rounds and the
 * finaliser of MurmurHash3 (Appleby, public domain).
 */
export function hashBytes(bytes: Uint8Array, start: number, end: number, seed = 0): number {
  let h = seed | 0;
  let i = start;
  for (const last = end - 3; i < last; i += 4) {
    let k = bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24);
    k = Math.imul(k, 0xcc9e2d51);
    k = (k << 15) | (k >>> 17);
    h ^= Math.imul(k, 0x1b873593);
    h = (h << 13) | (h >>> 19);
    h = (Math.imul(h, 5) + 0xe6546b64) | 0;
  }
  let tail = 0;
  if (i + 2 < end) tail ^= bytes[i + 2] << 16;
  if (i + 1 < end) tail ^= bytes[i + 1] << 8;
  if (i < end) {
    tail ^= bytes[i];
    tail = Math.imul(tail, 0xcc9e2d51);
    tail = (tail << 15) | (tail >>> 17);
    h ^= Math.imul(tail, 0x1b873593);
  }
  return mix32(h ^ (end - start));
}

/** MurmurHash3's 32-bit finaliser. */
export function mix32(value: number): number {
  let h = value | 0;
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return h ^ (h >>> 16);
}
