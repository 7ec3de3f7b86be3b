import { HOT_HEADER_BYTES, type HotBatch } from "../ports/hot-store.ts";
import { JsonWriter } from "./json-writer.ts";

/** Bytes at which a batch leaves before anybody asks for it. */
const BATCH_BYTES_MAX = 1 << 20;
const INITIAL_BYTES = 1 << 14;
const INITIAL_ENTRIES = 64;
/** Batches given back whose memory is kept. */
const SPARES_MAX = 4;

/** Collects hot values of one namespace: for each entry write the key, call {@link value}, write the value, {@link end}. */
export class HotBatchWriter {
  readonly namespace: string;
  readonly ttlMs: number;
  count = 0;
  out = new JsonWriter(new Uint8Array(INITIAL_BYTES));
  private bounds: Int32Array = new Int32Array(2 * INITIAL_ENTRIES + 1);
  private readonly spares: HotBatch[] = [];
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
    this.out.skip(HOT_HEADER_BYTES);
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

  /** Hands over what was written and begins anew, in memory of its own or that of a batch given back. */
  take(): HotBatch {
    const { namespace, ttlMs, count, out, bounds } = this;
    const spare = this.spares.pop();
    this.out = new JsonWriter(spare?.bytes ?? new Uint8Array(out.bytes.length));
    this.bounds = spare?.bounds ?? new Int32Array(2 * INITIAL_ENTRIES + 1);
    this.count = 0;
    return { namespace, ttlMs, count, bytes: out.bytes, bounds };
  }

  /** Gives the memory of a batch back that nobody needs any more. */
  giveBack(batch: HotBatch): void {
    if (this.spares.length < SPARES_MAX) this.spares.push(batch);
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
