import { utf8Decoder } from "../../schema/index.ts";
/** Room before each value of a {@link HotBatch}, for what a store keeps beside it. */
export const HOT_HEADER_BYTES = 8;

/**
 * Hot values of one namespace, back to back in one buffer: entry i has the key
 * `bytes[bounds[2i], bounds[2i + 1])`, then {@link HOT_HEADER_BYTES} that the store may write to, and the
 * value `bytes[bounds[2i + 1] + HOT_HEADER_BYTES, bounds[2i + 2])`; key and value are UTF-8.
 */
export interface HotBatch {
  readonly namespace: string;
  /** How long each value lives from its write on. */
  readonly ttlMs: number;
  readonly count: number;
  readonly bytes: Uint8Array;
  /** At least `2 × count + 1` places. */
  readonly bounds: Int32Array;
}

/** Key i of a batch. */
export function hotKey({ bytes, bounds }: HotBatch, i: number): string {
  return utf8Decoder.decode(bytes.subarray(bounds[2 * i], bounds[2 * i + 1]));
}

/** Value i of a batch, a view of its bytes. */
export function hotValue({ bytes, bounds }: HotBatch, i: number): Uint8Array {
  return bytes.subarray(bounds[2 * i + 1] + HOT_HEADER_BYTES, bounds[2 * i + 2]);
}

/** Key-value store of the newest scores and live aggregates. Writes are last-writer-wins and idempotent. */
export interface HotStore {
  /**
   * One batched round trip; resolves when a reader sees the values. The caller leaves the batch alone
   * until then.
   */
  putMany(batch: HotBatch): Promise<void>;
  /** Null where there is none or its time is over. */
  get(namespace: string, key: string): Promise<string | null>;
  getMany(namespace: string, keys: readonly string[]): Promise<readonly (string | null)[]>;
  delete(namespace: string, keys: readonly string[]): Promise<void>;
  /** Removes expired entries, at most so many; returns how many. */
  sweep(entriesMax: number): Promise<number>;
  close(): Promise<void>;
}
