import { Cluster, Redis, type RedisOptions } from "ioredis";
import { doublingWait } from "../../../lakehouse/index.ts";
import { MillraceError } from "../../../schema/index.ts";
import { HOT_HEADER_BYTES } from "../../ports/hot-store.ts";

export interface RedisClientOptions {
  /** `redis://[USER:PASSWORD@]HOST:PORT[/DB]`, `rediss://` for TLS; of a cluster, any one node. */
  readonly url: string;
  /** PEM certificates of the authorities that are trusted; by default those that Node knows. */
  readonly authorities?: string;
  /** The address is a node of a Redis Cluster (default false). */
  readonly isCluster?: boolean;
  /** In [0, 1): spreads clients that lost their server at the same time. */
  readonly random: () => number;
  /** Longest silence of a server that owes an answer, ms: then the connection is made anew. */
  readonly silenceMsMax: number;
}

/**
 * Writes the entries of a `HotBatch`: KEYS[1] stands before every key, ARGV are the time to live in ms,
 * the batch's bytes, and its bounds as little-endian int32. The keys are not declared one by one; they
 * have the hash tag of KEYS[1], so they are in its slot.
 *
 * Measured with 100,000 values of 100 bytes, CPU a value: in scripts of 500, 0.55 µs of the client's and 2.8
 * of Redis' (of 100: 1.2 and 2.9; of 2,000: 0.35 and 2.6); as SETs in pipelines of 500 or 1,000, 3.5 to 5.9
 * and 2.2.
 */
const SET_MANY = `
local begin, ttl, bytes, bounds = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local call, sub, unpack = redis.call, string.sub, struct.unpack
for at = 1, #bounds - 8, 8 do
  local key, value, stop = unpack('<i4i4i4', bounds, at)
  call('SET', begin .. sub(bytes, key + 1, value), sub(bytes, value + ${HOT_HEADER_BYTES + 1}, stop), 'PX', ttl)
end`;

export type RedisClient = (Redis | Cluster) & {
  setMany(keyCount: 1, begin: string, ttlMs: number, bytes: Buffer, bounds: Buffer): Promise<unknown>;
};

const RECONNECT_MS = { min: 50, max: 1_000 } as const;
/** Attempts to connect after which what waits for a connection fails: about eight seconds. */
const CONNECT_ATTEMPTS_MAX = 12;
const CONNECT_MS_MAX = 5_000;

/** A client that connects with its first command and reconnects for as long as it is not closed. */
export function createRedisClient(options: RedisClientOptions): RedisClient {
  const address = parseAddress(options.url);
  const backOff = (attempt: number): number => doublingWait(RECONNECT_MS, attempt, options.random);
  const common = {
    username: address.username,
    password: address.password,
    ...(address.isTls ? { tls: options.authorities === undefined ? {} : { ca: options.authorities } } : {}),
    connectTimeout: CONNECT_MS_MAX,
    socketTimeout: options.silenceMsMax,
    keepAlive: 10_000,
    maxRetriesPerRequest: CONNECT_ATTEMPTS_MAX,
  } satisfies RedisOptions;
  const scripts = { setMany: { lua: SET_MANY } };
  const { host, port, db } = address;
  if (options.isCluster) {
    return new Cluster([{ host, port }], {
      lazyConnect: true,
      scripts,
      clusterRetryStrategy: backOff,
      clusterNodeRetryStrategy: backOff,
      redisOptions: common,
    }) as RedisClient;
  }
  return new Redis({
    ...common,
    host,
    port,
    db,
    lazyConnect: true,
    scripts,
    retryStrategy: backOff,
    // After a failover the name may lead to the new primary: reconnect; the command itself fails.
    reconnectOnError: (error) => error.message.startsWith("READONLY"),
  }) as RedisClient;
}

/** `HOST:PORT` of an address, without its secrets. */
export function serverOf(url: string): string {
  const { host, port } = parseAddress(url);
  return `${host}:${port}`;
}

function parseAddress(text: string) {
  const url = URL.canParse(text) ? new URL(text) : null;
  const db = Number(url?.pathname.slice(1) ?? "");
  if (url === null || !/^rediss?:$/.test(url.protocol) || url.hostname === "" || !Number.isInteger(db)) {
    throw new MillraceError(
      "the address of Redis is not of the form redis://[USER:PASSWORD@]HOST:PORT[/DB]",
      { code: "hot-store-address-invalid", origin: "user" },
    );
  }
  return {
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: Number(url.port || 6379),
    db,
    isTls: url.protocol === "rediss:",
    username: url.username === "" ? undefined : decodeURIComponent(url.username),
    password: url.password === "" ? undefined : decodeURIComponent(url.password),
  };
}
