import type { HotBatch } from "../ports/hot-store.ts";
import { JsonWriter } from "./json-writer.ts";

/** Bytes at which a batch leaves before anybody asks for it. */
const BATCH_BYTES_MAX = 1 << 20;
const INITIAL_BYTES = 1 << 14;
const INITIAL_ENTRIES = 64;

/** Collects hot values of one namespace: for each entry write the key, call {@link value}, write the value, {@link end}. */
export class HotBatchWriter {
  readonly namespace: string;
  readonly ttlMs: number;
  count = 0;
  out = new JsonWriter(INITIAL_BYTES);
  private bounds = new Int32Array(2 * INITIAL_ENTRIES + 1);
  private readonly onFull: () => void;

  /** @param onFull called when the batch is so large that it should be taken */
  constructor(namespace: string, ttlMs: number, onFull: () => void = () => undefined) {
    this.namespace = namespace;
    this.ttlMs = ttlMs;
    this.onFull = onFull;
  }

  /** The key is written: what follows is its value. */
  value(): void {
    if (this.bounds.length < 2 * this.count + 3) {
      const bounds = new Int32Array(this.bounds.length * 2);
      bounds.set(this.bounds);
      this.bounds = bounds;
    }
    this.bounds[2 * this.count + 1] = this.out.length;
  }

  /** The value is written. */
  end(): void {
    this.count += 1;
    this.bounds[2 * this.count] = this.out.length;
    if (this.out.length >= BATCH_BYTES_MAX) this.onFull();
  }

  /** One entry as texts. */
  put(key: string, value: string): void {
    this.out.text(key);
    this.value();
    this.out.text(value);
    this.end();
  }

  /** Hands over what was written and begins anew, in memory of its own. */
  take(): HotBatch {
    const { namespace, ttlMs, count, bounds } = this;
    const batch = { namespace, ttlMs, count, bytes: this.out.bytes, bounds };
    this.out = new JsonWriter(Math.min(BATCH_BYTES_MAX * 2, Math.max(INITIAL_BYTES, this.out.length)));
    this.bounds = new Int32Array(bounds.length);
    this.count = 0;
    return batch;
  }
}

/** A batch of a few texts. */
export function hotBatchOf(
  namespace: string,
  entries: Readonly<Record<string, string>>,
  ttlMs: number,
): HotBatch {
  const writer = new HotBatchWriter(namespace, ttlMs);
  for (const [key, value] of Object.entries(entries)) writer.put(key, value);
  return writer.take();
}

/** Where operators put hot values: a writer for each namespace. */
export interface HotOutputs {
  namespace(name: string, ttlMs: number): HotBatchWriter;
}
