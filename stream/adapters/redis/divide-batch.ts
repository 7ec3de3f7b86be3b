import type { HotBatch } from "../../ports/hot-store.ts";
import type { RedisKeys } from "./redis-keys.ts";

/** The batch's entries by bucket, in their order; the batch itself on one server. */
export function divide(batch: HotBatch, keys: RedisKeys): readonly (readonly [number, HotBatch])[] {
  const { bytes, bounds, count } = batch;
  if (!keys.isCluster) return [[0, batch]];
  const buckets = new Map<number, number[]>();
  for (let i = 0; i < count; i++) {
    const bucket = keys.bucketOf(bytes, bounds[2 * i], bounds[2 * i + 1]);
    const entries = buckets.get(bucket);
    if (entries === undefined) buckets.set(bucket, [i]);
    else entries.push(i);
  }
  return Array.from(buckets, ([bucket, entries]) => [bucket, pick(batch, entries)]);
}

function pick(batch: HotBatch, entries: readonly number[]): HotBatch {
  const { bounds } = batch;
  const size = entries.reduce((sum, i) => sum + bounds[2 * i + 2] - bounds[2 * i], 0);
  const picked = { bytes: new Uint8Array(size), bounds: new Int32Array(2 * entries.length + 1) };
  let at = 0;
  for (const [n, i] of entries.entries()) {
    picked.bytes.set(batch.bytes.subarray(bounds[2 * i], bounds[2 * i + 2]), at);
    picked.bounds[2 * n + 1] = at + bounds[2 * i + 1] - bounds[2 * i];
    at += bounds[2 * i + 2] - bounds[2 * i];
    picked.bounds[2 * n + 2] = at;
  }
  return { ...batch, ...picked, count: entries.length };
}
