/** Seed of Kafka's default partitioner. */
const SEED = 0x9747b28c;
const M = 0x5bd1e995;

/**
 * 32-bit MurmurHash2 (Appleby, public domain) with Kafka's seed, as in
 * `org.apache.kafka.common.utils.Utils.murmur2`.
 */
export function murmur2(key: Uint8Array, start = 0, end = key.length): number {
  const length = end - start;
  let h = SEED ^ length;
  let i = start;
  for (const last = end - 3; i < last; i += 4) {
    let k = key[i] | (key[i + 1] << 8) | (key[i + 2] << 16) | (key[i + 3] << 24);
    k = Math.imul(k, M);
    k ^= k >>> 24;
    h = Math.imul(h, M) ^ Math.imul(k, M);
  }
  const rest = end - i;
  if (rest === 3) h ^= key[i + 2] << 16;
  if (rest >= 2) h ^= key[i + 1] << 8;
  if (rest >= 1) h = Math.imul(h ^ key[i], M);
  h ^= h >>> 13;
  h = Math.imul(h, M);
  return h ^ (h >>> 15);
}

/**
 * The partition of a key, UTF-8 bytes `keyBytes[start, end)`: the same as Kafka's default partitioner,
 * so that a log moved between the embedded and the distributed mode keeps its keys where they are.
 */
export function partitionOf(
  keyBytes: Uint8Array,
  partitions: number,
  start = 0,
  end = keyBytes.length,
): number {
  return (murmur2(keyBytes, start, end) & 0x7fffffff) % partitions;
}
