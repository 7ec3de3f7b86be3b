import type { HotBatch, HotStore } from "../../ports/hot-store.ts";
import { divide } from "./divide-batch.ts";
import { createRedisClient, type RedisClient, type RedisClientOptions, serverOf } from "./redis-client.ts";
import { hotStoreError, overloaded, timedOut } from "./redis-errors.ts";
import { RedisKeys } from "./redis-keys.ts";

export interface RedisHotStoreOptions extends Omit<RedisClientOptions, "silenceMsMax"> {
  /** First part of every key (default `millrace`): several platforms may share one Redis. */
  readonly keyPrefix?: string;
  /** Longest time of one call, waiting for a connection included, ms (default 10,000). */
  readonly callMsMax?: number;
  /** Calls under way; more are refused with `hot-store-overloaded` (default 1,000). */
  readonly callsMax?: number;
}

const CALL_MS_MAX = 10_000;
const CALLS_MAX = 1_000;
/** Values of one script; Redis answers nobody else meanwhile, about 1.5 ms. */
const VALUES_PER_SCRIPT = 500;
/** Bytes of one script, except where one value alone has more. */
const SCRIPT_BYTES_MAX = 1 << 20;
/** Keys of one MGET or UNLINK. */
const KEYS_PER_COMMAND = 1_000;

/**
 * HotStore on Redis 7, a single server or a cluster. Values expire in Redis by its own clock.
 *
 * Durability: none is needed. What a restart without persistence, a FLUSHALL or an eviction takes away
 * reads as null until the stream writes the key again; readers fall back to the lake or answer that
 * there is nothing live. `putMany` resolves when the primary has the values: a failover may lose the
 * last ones in the same way.
 *
 * Order: calls of `putMany` are written one after the other, so that the last call wins.
 *
 * Errors (origin external): `hot-store-unreachable`, `hot-store-overloaded`, `hot-store-full`,
 * `hot-store-read-only`, `hot-store-failed` (retry), `hot-store-denied` (do not).
 */
export class RedisHotStore implements HotStore {
  private readonly client: RedisClient;
  private readonly server: string;
  private readonly keys: RedisKeys;
  private readonly callMsMax: number;
  private readonly callsMax: number;
  private calls = 0;
  private writing: Promise<unknown> = Promise.resolve();
  /** Why there is no connection; null while there is one. */
  private connection: Error | null = null;

  constructor(options: RedisHotStoreOptions) {
    this.callMsMax = options.callMsMax ?? CALL_MS_MAX;
    this.callsMax = options.callsMax ?? CALLS_MAX;
    this.keys = new RedisKeys(options.keyPrefix ?? "millrace", options.isCluster ?? false);
    this.server = serverOf(options.url);
    this.client = createRedisClient({ ...options, silenceMsMax: this.callMsMax });
    this.client.on("ready", () => {
      this.connection = null;
    });
    this.client.on("error", (error: Error) => {
      this.connection = error;
    });
  }

  /** Resolves when Redis answers; rejects saying why it does not. For the start. */
  async check(): Promise<void> {
    await this.call(() => this.client.ping());
  }

  async putMany(batch: HotBatch): Promise<void> {
    if (batch.count === 0) return;
    await this.call((isOver) => {
      const write = this.writing.then(() => this.write(batch, isOver));
      this.writing = write.catch(() => undefined);
      return write;
    });
  }

  async get(namespace: string, key: string): Promise<string | null> {
    return (await this.getMany(namespace, [key]))[0];
  }

  async getMany(namespace: string, keys: readonly string[]): Promise<readonly (string | null)[]> {
    const values: (string | null)[] = new Array(keys.length).fill(null);
    await this.eachPart(namespace, keys, async (names, indexes) => {
      const found = await this.client.mget(names);
      for (const [i, index] of indexes.entries()) values[index] = found[i];
    });
    return values;
  }

  async delete(namespace: string, keys: readonly string[]): Promise<void> {
    await this.eachPart(namespace, keys, async (names) => {
      await this.client.unlink(names);
    });
  }

  /** Redis removes what is expired by itself: always 0. */
  async sweep(): Promise<number> {
    return 0;
  }

  /**
   * Writes under way end first, as far as Redis answers within the time of a call: their callers have given up by then,
   * and the client would try on. Reads under way fail.
   */
  async close(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, this.callMsMax);
    });
    await Promise.race([this.writing, timeout]);
    clearTimeout(timer);
    this.client.disconnect();
  }

  /**
   * The buckets' values side by side, those of one bucket in their order. A crash or an error in the
   * middle leaves some of the values written; writing them again is harmless.
   */
  private async write(batch: HotBatch, isOver: () => boolean): Promise<void> {
    await Promise.all(
      divide(batch, this.keys).map(async ([bucket, part]) => {
        const begin = this.keys.begin(part.namespace, bucket);
        const ttlMs = Math.max(1, Math.round(part.ttlMs));
        for (let from = 0; from < part.count && !isOver(); ) {
          const to = scriptEnd(part, from);
          const { bytes, bounds } = copyOf(part, from, to);
          await this.client.setMany(1, begin, ttlMs, bytes, bounds);
          from = to;
        }
      }),
    );
  }

  /** Runs a command of many keys for all keys: one for each bucket and so many keys at most. */
  private async eachPart(
    namespace: string,
    keys: readonly string[],
    run: (names: string[], indexes: readonly number[]) => Promise<void>,
  ): Promise<void> {
    if (keys.length === 0) return;
    const buckets = new Map<number, number[]>();
    for (const [index, key] of keys.entries()) {
      const bytes = Buffer.from(key);
      const bucket = this.keys.bucketOf(bytes, 0, bytes.length);
      const indexes = buckets.get(bucket);
      if (indexes === undefined) buckets.set(bucket, [index]);
      else indexes.push(index);
    }
    const ofBucket = async (bucket: number, indexes: readonly number[]): Promise<void> => {
      const begin = this.keys.begin(namespace, bucket);
      for (let from = 0; from < indexes.length; from += KEYS_PER_COMMAND) {
        const part = indexes.slice(from, from + KEYS_PER_COMMAND);
        await run(
          part.map((index) => begin + keys[index]),
          part,
        );
      }
    };
    await this.call(() => Promise.all(Array.from(buckets, ([bucket, indexes]) => ofBucket(bucket, indexes))));
  }

  /** One call: bounded in time and number. Counts until its commands are settled, in time or not. */
  private async call<T>(work: (isOver: () => boolean) => Promise<T>): Promise<T> {
    if (this.calls >= this.callsMax) throw overloaded(this.server, this.calls);
    this.calls++;
    let isOver = false;
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        isOver = true;
        reject(timedOut(this.server, this.callMsMax, this.connection));
      }, this.callMsMax);
    });
    const done = work(() => isOver).finally(() => {
      this.calls--;
    });
    try {
      return await Promise.race([done, timeout]);
    } catch (error) {
      throw hotStoreError(error, { server: this.server, connection: this.connection });
    } finally {
      clearTimeout(timer);
    }
  }
}

/** End of the entries from `from` on that one script takes. */
function scriptEnd({ count, bounds }: HotBatch, from: number): number {
  const last = Math.min(count, from + VALUES_PER_SCRIPT);
  let to = from + 1;
  while (to < last && bounds[2 * to + 2] - bounds[2 * from] <= SCRIPT_BYTES_MAX) to++;
  return to;
}

/**
 * Entries [from, to), with bounds from 0 on. A copy: the client may send a command once more after the
 * call's time is over, when the batch is its writer's again.
 */
function copyOf(batch: HotBatch, from: number, to: number) {
  const start = batch.bounds[2 * from];
  const bounds = batch.bounds.slice(2 * from, 2 * to + 1);
  for (let i = 0; i < bounds.length; i++) bounds[i] -= start;
  return {
    bytes: Buffer.from(batch.bytes.subarray(start, batch.bounds[2 * to])),
    bounds: Buffer.from(bounds.buffer),
  };
}
