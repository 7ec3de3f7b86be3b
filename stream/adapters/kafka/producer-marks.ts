import { setTimeout as sleep } from "node:timers/promises";
import { MillraceError, utf8Decoder } from "../../../schema/index.ts";
import type { LogReader } from "../../ports/event-log.ts";
import type { AppendPart } from "./append-parts.ts";
import { encodeKeyed } from "./encode-batch.ts";

export interface MarksLog {
  /** A reader of committed records from the partition's begin on. */
  readonly readerFromBegin: (topic: string, partition: number) => Promise<LogReader>;
  /** Offset behind the last record, settled or not. */
  readonly end: (topic: string, partition: number) => Promise<number>;
}

/** Partitions of the topic: an open transaction of one producer holds up the readers of its partition alone. */
export const MARKS_PARTITIONS = 8;

const READ_LIMITS = { recordsMax: 4096, bytesMax: 1 << 20 };
/** A transaction in the way is settled after its time-out at the latest. */
const READ_TIMEOUT_MS = 30_000;
const utf8 = new TextEncoder();

/**
 * The last sequence of each producer, in a compacted topic: a mark is one record, written in the
 * transaction of the append that it is about. So a mark is there exactly when its records are.
 */
export class ProducerMarks {
  readonly topic: string;
  private readonly log: MarksLog;

  constructor(topic: string, log: MarksLog) {
    this.topic = topic;
    this.log = log;
  }

  part(id: string, sequence: number): AppendPart {
    const value = utf8.encode(JSON.stringify({ id, sequence }));
    return {
      topic: this.topic,
      partition: this.partitionOf(id),
      records: encodeKeyed(utf8.encode(id), value),
    };
  }

  /**
   * The last sequence of the producer, or -1. Reads up to the end as it is now, and waits for
   * transactions in between to be settled: an older mark must not be taken for the last.
   */
  async lastSequence(id: string): Promise<number> {
    const partition = this.partitionOf(id);
    const end = await this.log.end(this.topic, partition);
    const reader = await this.log.readerFromBegin(this.topic, partition);
    const waited = new AbortController();
    const timeout = sleep(READ_TIMEOUT_MS, null, { signal: waited.signal }).catch(() => null);
    let sequence = -1;
    try {
      for (;;) {
        const batch = reader.read(READ_LIMITS);
        if (batch !== null) {
          for (let i = 0; i < batch.count; i++) {
            const mark = parseMark(batch.bytes.subarray(batch.starts[i], batch.ends[i]));
            if (mark?.id === id) sequence = mark.sequence;
          }
        } else if (reader.position >= end) return sequence;
        else if ((await Promise.race([timeout, reader.wait(READ_TIMEOUT_MS).then(() => true)])) === null)
          throw this.timeoutError(partition, reader.position);
      }
    } finally {
      waited.abort();
      reader.close();
    }
  }

  /** FNV-1a of the id. */
  private partitionOf(id: string): number {
    let hash = 0x811c9dc5;
    for (const byte of utf8.encode(id)) hash = Math.imul(hash ^ byte, 0x01000193);
    return (hash >>> 0) % MARKS_PARTITIONS;
  }

  private timeoutError(partition: number, position: number): MillraceError {
    return new MillraceError(
      `${this.topic}[${partition}] could not be read to its end within ${READ_TIMEOUT_MS / 1000} s ` +
        `(at offset ${position}); check Kafka for a transaction that is not settled`,
      { code: "kafka-unreachable", origin: "external", retry: true },
    );
  }
}

function parseMark(bytes: Uint8Array): { readonly id: string; readonly sequence: number } | null {
  return bytes.length === 0
    ? null
    : (JSON.parse(utf8Decoder.decode(bytes)) as { id: string; sequence: number });
}
