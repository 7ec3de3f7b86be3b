/** One hot value: JSON text under a namespace and a key, for `ttlMs` from the write. */
export interface HotEntry {
  readonly namespace: string;
  readonly key: string;
  readonly value: string;
  readonly ttlMs: number;
}

/** Key-value store of the newest scores and live aggregates. Writes are last-writer-wins and idempotent. */
export interface HotStore {
  /** One batched round trip; resolves when a reader sees the values. */
  putMany(entries: readonly HotEntry[]): Promise<void>;
  /** Null where there is none or its time is over. */
  get(namespace: string, key: string): Promise<string | null>;
  getMany(namespace: string, keys: readonly string[]): Promise<readonly (string | null)[]>;
  delete(namespace: string, keys: readonly string[]): Promise<void>;
  /** Removes expired entries, at most so many; returns how many. */
  sweep(entriesMax: number): Promise<number>;
  close(): Promise<void>;
}
