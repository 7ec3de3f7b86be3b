import { RECORD_PADDING, type RecordBatch } from "../../schema/index.ts";
import type { ReadOnLimits } from "../ports/event-log.ts";

/** What a reader would give next, looked at without taking it. */
export interface NextBatch extends Pick<RecordBatch, "baseOffset" | "count" | "sequence" | "control"> {
  readonly bytes: number;
}

/**
 * The batch and those that follow it without a gap, as one in memory of its own; the batch itself where
 * none follows. `next` tells what would be read and `read` takes all of it; memory of a batch may be
 * used again by the next.
 */
export function joinFollowing(
  last: RecordBatch,
  limits: ReadOnLimits,
  next: () => NextBatch | null,
  read: () => RecordBatch,
): RecordBatch {
  if (last.control !== "data") return last;
  let join: BatchJoin | null = null;
  let { count } = last;
  let bytes = spanBytes(last);
  for (let following = next(); following !== null; following = next()) {
    const follows = following.baseOffset === last.baseOffset + count && following.control === "data";
    const fits = count + following.count <= limits.recordsMax && bytes + following.bytes <= limits.bytesMax;
    if (!follows || !fits || following.sequence >= limits.sequenceBelow) break;
    join ??= new BatchJoin(last);
    join.add(read());
    count += following.count;
    bytes += following.bytes;
  }
  return join?.batch() ?? last;
}

/** Bytes from the value `from` to the end of the last, with what lies between them. */
export function spanBytes(
  { starts, ends, count }: Pick<RecordBatch, "starts" | "ends" | "count">,
  from = 0,
): number {
  return ends[count - 1] - starts[from];
}

/** Batches of one partition, as one with the first one's times beside each record's own. */
class BatchJoin {
  private readonly first: RecordBatch;
  private count = 0;
  private length = 0;
  private bytes: Uint8Array;
  private starts = new Int32Array(64);
  private ends = new Int32Array(64);
  private times = new Float64Array(64);

  constructor(first: RecordBatch) {
    this.first = first;
    this.bytes = new Uint8Array(4 * spanBytes(first) + RECORD_PADDING);
    this.add(first);
  }

  add(batch: RecordBatch): void {
    const { starts, ends, count } = batch;
    const size = spanBytes(batch);
    this.reserve(this.count + count, this.length + size);
    this.bytes.set(batch.bytes.subarray(starts[0], starts[0] + size), this.length);
    const shift = this.length - starts[0];
    for (let i = 0; i < count; i++) {
      this.starts[this.count + i] = starts[i] + shift;
      this.ends[this.count + i] = ends[i] + shift;
    }
    this.times.fill(batch.ingestedAt, this.count, this.count + count);
    this.count += count;
    this.length += size;
  }

  batch(): RecordBatch {
    const { first, count, bytes, starts, ends, times } = this;
    return { ...first, count, bytes, starts, ends, ingestTimes: times };
  }

  private reserve(count: number, length: number): void {
    if (count > this.starts.length) {
      this.starts = grown(this.starts, new Int32Array(2 * count));
      this.ends = grown(this.ends, new Int32Array(2 * count));
      this.times = grown(this.times, new Float64Array(2 * count));
    }
    if (length + RECORD_PADDING > this.bytes.length)
      this.bytes = grown(this.bytes, new Uint8Array(2 * length + RECORD_PADDING));
  }
}

function grown<A extends Int32Array | Float64Array | Uint8Array>(from: A, to: A): A {
  to.set(from);
  return to;
}
