import { MillraceError } from "../../../schema/index.ts";

/** Parts that a cluster's keys are divided into: enough to spread evenly over some dozens of nodes. */
const BUCKETS = 256;
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/**
 * Names of keys. On one server `PREFIX:NAMESPACE:KEY`; on a cluster `PREFIX:{BUCKET}:NAMESPACE:KEY`, where the
 * braces are the hash tag by which the cluster chooses the slot: few tags, because a script writes
 * many keys at once and all of them must be in its slot. The bucket follows from the key alone, so all
 * that is kept of one user, in whatever namespace, is in one slot.
 */
export class RedisKeys {
  private readonly prefix: string;
  readonly isCluster: boolean;

  constructor(prefix: string, isCluster: boolean) {
    this.prefix = prefix;
    this.isCluster = isCluster;
  }

  /** The bucket of a key, UTF-8; always 0 on one server. */
  bucketOf(bytes: Uint8Array, start: number, end: number): number {
    if (!this.isCluster) return 0;
    // FNV-1a (https://datatracker.ietf.org/doc/html/draft-eastlake-fnv), folded.
    let hash = FNV_OFFSET;
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i], FNV_PRIME);
    return (hash ^ (hash >>> 8) ^ (hash >>> 16)) & (BUCKETS - 1);
  }

  /** What stands before the key in the names of a bucket's keys. */
  begin(namespace: string, bucket: number): string {
    if (namespace.includes(":")) {
      // The namespace's end would pass for a key's begin.
      throw new MillraceError(`the hot store's namespace "${namespace}" must not contain a colon`, {
        code: "hot-namespace-invalid",
        origin: "internal",
      });
    }
    return `${this.prefix}:${this.isCluster ? `{${bucket}}:` : ""}${namespace}:`;
  }
}
