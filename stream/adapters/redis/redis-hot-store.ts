import { type HotBatch, type HotStore, hotKey, hotValue } from "../../ports/hot-store.ts";
import { createRedisClient, type RedisClient, type RedisClientOptions, serverOf } from "./redis-client.ts";
import { hotStoreError, overloaded, timedOut } from "./redis-errors.ts";
import { bucketOf, checkNamespace, redisKey } from "./redis-keys.ts";

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
/** Values of one script: Redis answers nobody else meanwhile, about 1.5 ms. */
const VALUES_PER_SCRIPT = 500;
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
  private readonly isCluster: boolean;
  private readonly prefix: string;
  private readonly callMsMax: number;
  private readonly callsMax: number;
  private calls = 0;
  private writing: Promise<unknown> = Promise.resolve();
  /** Why there is no connection; null while there is one. */
  private connection: Error | null = null;

  constructor(options: RedisHotStoreOptions) {
    this.callMsMax = options.callMsMax ?? CALL_MS_MAX;
    this.callsMax = options.callsMax ?? CALLS_MAX;
    this.isCluster = options.isCluster ?? false;
    this.prefix = options.keyPrefix ?? "millrace";
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
    if (keys.length === 0) return [];
    checkNamespace(namespace);
    const values: (string | null)[] = new Array(keys.length).fill(null);
    await this.call(() =>
      this.eachPart(
        keys,
        KEYS_PER_COMMAND,
        (key) => key,
        async (indexes) => {
          const found = await this.client.mget(
            indexes.map((index) => redisKey(this.prefix, namespace, keys[index])),
          );
          for (const [i, index] of indexes.entries()) values[index] = found[i];
        },
      ),
    );
    return values;
  }

  async delete(namespace: string, keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return;
    checkNamespace(namespace);
    await this.call(() =>
      this.eachPart(
        keys,
        KEYS_PER_COMMAND,
        (key) => key,
        async (indexes) => {
          await this.client.unlink(indexes.map((index) => redisKey(this.prefix, namespace, keys[index])));
        },
      ),
    );
  }

  /** Redis removes what is expired by itself: always 0. */
  async sweep(): Promise<number> {
    return 0;
  }

  /** Writes under way end first; reads under way fail. */
  async close(): Promise<void> {
    await this.writing;
    this.client.disconnect();
  }

  /** A crash or an error in the middle leaves some of the values written; writing them again is harmless. */
  private write(batch: HotBatch, isOver: () => boolean): Promise<void> {
    checkNamespace(batch.namespace);
    const batchKeys = Array.from({ length: batch.count }, (_, i) => hotKey(batch, i));
    const ttl = String(Math.max(1, Math.round(batch.ttlMs)));
    return this.eachPart(
      batchKeys,
      VALUES_PER_SCRIPT,
      (key) => key,
      async (indexes) => {
        if (isOver()) return;
        const keys: string[] = [];
        const ttls: string[] = [];
        const values: Buffer[] = [];
        for (const index of indexes) {
          keys.push(redisKey(this.prefix, batch.namespace, batchKeys[index]));
          ttls.push(ttl);
          values.push(bulk(hotValue(batch, index)));
        }
        await this.client.setMany([keys.length, ...keys, ...ttls, ...values]);
      },
    );
  }

  /**
   * Runs a command for all items, in parts of so many at most: on one server one part after the other;
   * on a cluster the parts of one slot one after the other, beside those of other slots.
   */
  private async eachPart<T>(
    items: readonly T[],
    itemsMax: number,
    keyOf: (item: T) => string,
    run: (indexes: readonly number[]) => Promise<void>,
  ): Promise<void> {
    const slots = new Map<number, number[]>();
    for (const [index, item] of items.entries()) {
      const slot = this.isCluster ? bucketOf(keyOf(item)) : 0;
      const indexes = slots.get(slot);
      if (indexes === undefined) slots.set(slot, [index]);
      else indexes.push(index);
    }
    await Promise.all(
      Array.from(slots.values(), async (indexes) => {
        for (let from = 0; from < indexes.length; from += itemsMax) {
          await run(indexes.slice(from, from + itemsMax));
        }
      }),
    );
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

/** A value as the client takes it; bytes are not copied. */
function bulk(value: Uint8Array): Buffer {
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}
