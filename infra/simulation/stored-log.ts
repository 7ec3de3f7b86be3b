import { MillraceError, RECORD_PADDING } from "../../schema/index.ts";
import type { AppendBatch, AppendResult, GroupsOf, ProducerMark, TopicSpec } from "../../stream/index.ts";

/** Records of one partition that were appended together. */
export interface StoredBatch {
  readonly base: number;
  readonly count: number;
  readonly bytes: Uint8Array;
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  readonly ingestedAt: number;
  readonly sequence: number;
  readonly control: "data" | "end-of-input";
}

export interface StoredPartition {
  begin: number;
  end: number;
  batches: StoredBatch[];
}

/** The event log that survives every process. */
export class StoredLog {
  readonly topics = new Map<string, { readonly spec: TopicSpec; readonly partitions: StoredPartition[] }>();
  readonly committed = new Map<string, number>();
  readonly producers = new Map<string, number>();
  /** Appends over all topics. */
  sequence = 0;
  /** Called after every append: who waits at an end. */
  readonly listeners = new Set<() => void>();

  createTopics(specs: readonly TopicSpec[]): void {
    for (const spec of specs) {
      const known = this.topics.get(spec.name);
      if (known === undefined) {
        const partitions = Array.from({ length: spec.partitions }, () => ({ begin: 0, end: 0, batches: [] }));
        this.topics.set(spec.name, { spec, partitions });
      } else if (known.spec.partitions !== spec.partitions) {
        throw failure(`topic ${spec.name} has ${known.spec.partitions} partitions`, "topic-mismatch");
      }
    }
  }

  partition(topic: string, partition: number): StoredPartition {
    const known = this.topics.get(topic);
    if (known === undefined) throw failure(`there is no topic ${topic}`, "unknown-topic");
    const found = known.partitions[partition];
    if (found === undefined) throw failure(`${topic} has no partition ${partition}`, "unknown-partition");
    return found;
  }

  /** All batches or, for a producer's repeat, none. */
  append(batches: readonly AppendBatch[], producer: ProducerMark | undefined, nowMs: number): AppendResult {
    const partitions = batches.map(({ topic, partition }) => this.partition(topic, partition));
    if (producer !== undefined) {
      if (producer.sequence <= this.producerSequence(producer.id))
        return { appended: false, baseOffsets: [] };
      this.producers.set(producer.id, producer.sequence);
    }
    const baseOffsets = batches.map((batch, i) => {
      const partition = partitions[i];
      const base = partition.end;
      const { ingestedAt = nowMs } = batch;
      const stored = storedBatch(batch, base, { ingestedAt, sequence: ++this.sequence });
      if (stored.count > 0) partition.batches.push(stored);
      partition.end += stored.count;
      return base;
    });
    for (const listener of [...this.listeners]) listener();
    return { appended: true, baseOffsets };
  }

  producerSequence(id: string): number {
    return this.producers.get(id) ?? -1;
  }

  enforceRetention(nowMs: number, groupsOf: GroupsOf): number {
    let dropped = 0;
    for (const { spec, partitions } of this.topics.values()) {
      for (const [number, partition] of partitions.entries()) {
        const spared = this.sparedFrom(spec.name, number, groupsOf(spec.name, number));
        dropped += dropBefore(partition, spec, spared, nowMs);
      }
    }
    return dropped;
  }

  /** The lowest offset that a group still has to process. */
  private sparedFrom(topic: string, partition: number, groups: readonly string[]): number {
    const suffix = `|${topic}|${partition}`;
    const offsets = groups.map((group) => this.committed.get(group + suffix) ?? 0);
    for (const [key, offset] of this.committed) if (key.endsWith(suffix)) offsets.push(offset);
    return Math.min(Number.POSITIVE_INFINITY, ...offsets);
  }
}

function dropBefore(partition: StoredPartition, spec: TopicSpec, spared: number, nowMs: number): number {
  const { begin } = partition;
  let bytes = partition.batches.reduce((sum, batch) => sum + batch.bytes.length, 0);
  while (partition.batches.length > 0) {
    const [first] = partition.batches;
    const old = spec.retentionMs !== null && first.ingestedAt < nowMs - spec.retentionMs;
    const much = spec.retentionBytes !== null && bytes > spec.retentionBytes;
    if ((!old && !much) || first.base + first.count > spared) break;
    bytes -= first.bytes.length;
    partition.begin = first.base + first.count;
    partition.batches.shift();
  }
  return partition.begin - begin;
}

/** A copy: the caller's bytes are free when the append resolves. */
function storedBatch(
  batch: AppendBatch,
  base: number,
  stamp: { readonly ingestedAt: number; readonly sequence: number },
): StoredBatch {
  const control = batch.control ?? "data";
  const marker = control === "end-of-input";
  const count = marker ? 1 : batch.count;
  const bytes = new Uint8Array((marker ? 0 : batch.bytes.length) + RECORD_PADDING);
  if (!marker) bytes.set(batch.bytes);
  const starts = marker ? new Int32Array(1) : batch.starts.slice(0, count);
  const ends = marker ? new Int32Array(1) : batch.ends.slice(0, count);
  return { base, count, bytes, starts, ends, control, ...stamp };
}

function failure(message: string, code: string): MillraceError {
  return new MillraceError(message, { code, origin: "user" });
}
