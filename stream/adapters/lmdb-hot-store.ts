import { createHash } from "node:crypto";
import { type Database, open, type TransactionFlags } from "lmdb";
import { MillraceError } from "../../schema/index.ts";
import { HOT_HEADER_BYTES, type HotBatch, type HotStore } from "../ports/hot-store.ts";
import { bootFolder, machineBootId } from "./boot-folder.ts";

export interface LmdbHotStoreOptions {
  /** Folder of the LMDB environment; made when missing. */
  readonly path: string;
  /** Time that entries expire by, ms since the epoch. */
  readonly clock: () => number;
  /** Address space set aside at the start, default 64 GiB; LMDB maps anew where the store outgrows it. */
  readonly mapBytes?: number;
  /** What tells this boot of the machine from others; by default the system's, null where it has none. */
  readonly bootId?: string | null;
}

/** float64 of the time of expiry, before the UTF-8 text. */
const HEADER_BYTES = HOT_HEADER_BYTES;
/** SYNCHRONOUS_COMMIT | NO_SYNC_FLUSH of lmdb-js: visible at once, synced to disk behind it. */
const COMMIT_WITHOUT_WAIT = 0x10002 as TransactionFlags;
/** Entries looked at by one sweep, per entry that it may remove. */
const SWEEP_LOOKS_PER_REMOVAL = 16;
/** LMDB takes 1,978 bytes; a namespace has to fit beside it. */
const KEY_BYTES_MAX = 1800;

/**
 * HotStore on LMDB; threads and processes may share it. Reads are synchronous look-ups in mapped
 * memory, writes one transaction a call.
 *
 * Durability: the store is never synced to disk, since tasks write their values again where it lost them.
 * SIGKILL loses nothing that was resolved. A power loss, and any restart of the machine, loses the store:
 * it lies in a folder of the boot. Synced, a commit of 1,000 values cost 50 MB of writes, which
 * every append to the log then queued behind. Where the system tells no boot, it is synced behind each commit.
 *
 * Size: what was written within its time to live, and what {@link sweep} has not yet removed; an
 * expired entry is never read, and its space is used again after the sweep. The file does not shrink.
 *
 * Cost: a commit copies every page that it touches, so that many entries in one call are cheap (1.5
 * to 2 µs each in 100,000 random keys) and small calls over many random keys are not (5 µs each in
 * calls of 10,000): flush seldom and much.
 */
export class LmdbHotStore implements HotStore {
  private readonly db: Database<Buffer, Buffer>;
  private readonly clock: () => number;
  private readonly key = Buffer.alloc(2048);
  /** Where the next sweep goes on. */
  private sweepFrom: Buffer = Buffer.alloc(1);

  constructor(options: LmdbHotStoreOptions) {
    this.clock = options.clock;
    const { bootId = machineBootId() } = options;
    this.db = open<Buffer, Buffer>({
      path: bootId === null ? options.path : bootFolder(options.path, bootId),
      noSync: bootId !== null,
      mapSize: options.mapBytes ?? 2 ** 36,
      maxReaders: 1024,
      encoding: "binary",
      keyEncoding: "binary",
      noMemInit: true,
    });
  }

  /**
   * One batch that LMDB's own thread writes and commits: the caller computes meanwhile. Batches of one
   * store are committed in the order of the calls.
   */
  async putMany(batch: HotBatch): Promise<void> {
    const { count, bounds } = batch;
    if (count === 0) return;
    // LMDB's thread reads the values where they lie, each behind the time of its expiry.
    const bytes = Buffer.from(batch.bytes.buffer, batch.bytes.byteOffset, batch.bytes.byteLength);
    const expiresAt = this.clock() + batch.ttlMs;
    const head = this.key.write(`${batch.namespace}\0`, 0);
    let last: Promise<boolean> | undefined;
    try {
      for (let i = 0; i < 2 * count; i += 2) {
        bytes.writeDoubleLE(expiresAt, bounds[i + 1]);
        const value = bytes.subarray(bounds[i + 1], bounds[i + 2]);
        last = this.db.put(this.keyOfBytes(head, bytes, bounds[i], bounds[i + 1]), value);
      }
      await last;
    } catch (error) {
      throw writeFailed(error);
    }
  }

  async get(namespace: string, key: string): Promise<string | null> {
    this.db.resetReadTxn();
    return this.read(namespace, key, this.clock());
  }

  async getMany(namespace: string, keys: readonly string[]): Promise<readonly (string | null)[]> {
    const now = this.clock();
    this.db.resetReadTxn();
    return keys.map((key) => this.read(namespace, key, now));
  }

  async delete(namespace: string, keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return;
    this.write(() => {
      for (const key of keys) this.db.remove(this.keyOf(namespace, key));
    });
  }

  /** Looks at no more than 16 entries per one it may remove, and goes on there the next time. */
  async sweep(entriesMax: number): Promise<number> {
    const now = this.clock();
    // Of processes that were killed while they read: no page that one of them might want is used again.
    this.db.readerCheck();
    return this.write(() => {
      const expired: Buffer[] = [];
      let looks = Math.max(1024, entriesMax * SWEEP_LOOKS_PER_REMOVAL);
      let wrapped = this.sweepFrom.length === 1;
      while (looks > 0 && expired.length < entriesMax) {
        const last = this.collectExpired(now, entriesMax, looks, expired);
        looks -= last.looked;
        if (last.key !== null) this.sweepFrom = Buffer.concat([last.key, Buffer.alloc(1)]);
        if (looks <= 0 || expired.length >= entriesMax) break;
        this.sweepFrom = Buffer.alloc(1);
        if (wrapped) break;
        wrapped = true;
      }
      for (const key of expired) this.db.remove(key);
      return expired.length;
    });
  }

  async close(): Promise<void> {
    await this.db.close();
  }

  private collectExpired(
    now: number,
    entriesMax: number,
    looksMax: number,
    expired: Buffer[],
  ): { readonly looked: number; readonly key: Buffer | null } {
    let looked = 0;
    let lastKey: Buffer | null = null;
    for (const { key, value } of this.db.getRange({ start: this.sweepFrom, limit: looksMax })) {
      looked++;
      lastKey = key;
      if (value.readDoubleLE(0) <= now) expired.push(key);
      if (expired.length >= entriesMax) break;
    }
    return { looked, key: lastKey };
  }

  private read(namespace: string, key: string, now: number): string | null {
    const stored = this.db.getBinaryFast(this.keyOf(namespace, key));
    if (stored === undefined || stored.readDoubleLE(0) <= now) return null;
    return stored.toString("utf8", HEADER_BYTES, stored.length);
  }

  private write<T>(body: () => T): T {
    try {
      return this.db.transactionSync(body, COMMIT_WITHOUT_WAIT);
    } catch (error) {
      throw writeFailed(error);
    }
  }

  private keyOf(namespace: string, key: string): Buffer {
    const bytes = Buffer.from(key);
    return this.keyOfBytes(this.key.write(`${namespace}\0`, 0), bytes, 0, bytes.length);
  }

  /**
   * Namespace and NUL, which stand in the first `head` bytes of a buffer that the next call uses again,
   * then the key. A key too long for LMDB (events bring ids of any length) is replaced by 0xFF, which
   * UTF-8 never has, and its SHA-256.
   */
  private keyOfBytes(head: number, bytes: Buffer, start: number, end: number): Buffer {
    if (end - start <= KEY_BYTES_MAX)
      return this.key.subarray(0, head + bytes.copy(this.key, head, start, end));
    this.key[head] = 0xff;
    return this.key.subarray(0, head + 1 + this.key.write(sha256(bytes.subarray(start, end)), head + 1));
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function writeFailed(error: unknown): MillraceError {
  if (error instanceof MillraceError) return error;
  return new MillraceError(
    `the hot store could not commit: ${error instanceof Error ? error.message : String(error)}; ` +
      "check free disk space, and sweep expired entries",
    { code: "hot-store-write-failed", origin: "external", retry: true, cause: error },
  );
}
