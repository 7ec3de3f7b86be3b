import { MillraceError } from "../../../schema/index.ts";

/** Parts that keys are divided into: enough to spread evenly over some dozens of cluster nodes. */
const BUCKETS = 256;
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/**
 * The part of the key space that a key is in, by FNV-1a
 * (https://datatracker.ietf.org/doc/html/draft-eastlake-fnv). The namespace does not count, so all
 * that is kept of one user is in one slot of a cluster.
 */
export function bucketOf(key: string): number {
  let hash = FNV_OFFSET;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), FNV_PRIME);
  return (hash ^ (hash >>> 8) ^ (hash >>> 16)) & (BUCKETS - 1);
}

/**
 * `PREFIX:{BUCKET}:NAMESPACE:KEY`. The braces are the hash tag by which a cluster chooses the slot; few
 * tags, because a script writes many keys at once and all of them must be in its slot.
 */
export function redisKey(prefix: string, namespace: string, key: string): string {
  return `${prefix}:{${bucketOf(key)}}:${namespace}:${key}`;
}

/** A colon would let a namespace's end pass for a key's begin. */
export function checkNamespace(namespace: string): void {
  if (!namespace.includes(":")) return;
  throw new MillraceError(`the hot store's namespace "${namespace}" must not contain a colon`, {
    code: "hot-namespace-invalid",
    origin: "internal",
  });
}
