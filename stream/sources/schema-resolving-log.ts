import {
  contractByTopic,
  MillraceError,
  ownSchemas,
  type RecordBatch,
  unknownSchemaIds,
  type WriterSchemas,
} from "../../schema/index.ts";
import type { EventLog, LogReader, ReadOnLimits } from "../ports/event-log.ts";

/** Where schema ids are looked up. */
export interface SchemaSource {
  /** What is known now; decoders look here. */
  readonly schemas: WriterSchemas;
  /** Resolves when `schemas` has an answer for each of the ids; rejects where the source cannot be asked. */
  resolve(ids: readonly number[]): Promise<void>;
}

/** The ids that hold where no registry gives others. */
export const ownSchemaSource: SchemaSource = { schemas: ownSchemas, resolve: async () => undefined };

/**
 * The log, with readers of contracts' topics that hand a batch out only when the schema ids of its
 * Avro records are known: decoders then find all of them without waiting. While the source cannot be
 * asked, such a reader has no records; an error that does not pass by itself is thrown by its `read`.
 */
export function createSchemaResolvingLog(log: EventLog, source: SchemaSource): EventLog {
  return {
    createTopics: (specs) => log.createTopics(specs),
    topics: () => log.topics(),
    append: (batches, producer) => log.append(batches, producer),
    producerSequence: (id) => log.producerSequence(id),
    offsets: (topic, partition) => log.offsets(topic, partition),
    ...(log.topicId && { topicId: (topic: string) => log.topicId!(topic) }),
    commitOffsets: (group, offsets) => log.commitOffsets(group, offsets),
    committedOffset: (group, topic, partition) => log.committedOffset(group, topic, partition),
    enforceRetention: (nowMs, groupsOf) => log.enforceRetention(nowMs, groupsOf),
    close: () => log.close(),
    async reader(topic, partition, offset) {
      const reader = await log.reader(topic, partition, offset);
      return contractByTopic(topic) === null ? reader : new SchemaResolvingReader(reader, source);
    },
  };
}

class SchemaResolvingReader implements LogReader {
  private readonly reader: LogReader;
  private readonly source: SchemaSource;
  /** A batch of which some ids are asked for; the reader below is not read meanwhile, so it stays valid. */
  private held: RecordBatch | null = null;
  private asking: Promise<void> | null = null;
  private failure: unknown = null;

  constructor(reader: LogReader, source: SchemaSource) {
    this.reader = reader;
    this.source = source;
  }

  get position(): number {
    return this.held?.baseOffset ?? this.reader.position;
  }

  get isBehind(): boolean {
    return this.held !== null || this.reader.isBehind === true;
  }

  read(limits: { readonly recordsMax: number; readonly bytesMax: number }): RecordBatch | null {
    if (this.asking !== null) return null;
    if (this.failure !== null) throw this.failure;
    const batch = this.held ?? this.reader.read(limits);
    if (batch === null) return null;
    const ids = unknownSchemaIds(batch, this.source.schemas);
    if (ids.length === 0) {
      this.held = null;
      return batch;
    }
    this.hold(batch, ids);
    return null;
  }

  look(): void {
    this.reader.look?.();
  }

  /** What was joined is held, where an id in it is not known. */
  readOn(last: RecordBatch, limits: ReadOnLimits): RecordBatch {
    const joined = this.reader.readOn?.(last, limits) ?? last;
    if (joined.count === last.count) return last;
    const following = slice(joined, last.count, joined.count);
    const ids = unknownSchemaIds(following, this.source.schemas);
    if (ids.length === 0) return joined;
    this.hold(following, ids);
    return slice(joined, 0, last.count);
  }

  private hold(batch: RecordBatch, ids: readonly number[]): void {
    this.held = batch;
    this.asking = this.ask(ids).finally(() => {
      this.asking = null;
    });
  }

  private async ask(ids: readonly number[]): Promise<void> {
    try {
      await this.source.resolve(ids);
    } catch (error) {
      // What may pass is asked again at the next read: the source has waited between its own tries.
      if (!(error instanceof MillraceError && error.retry)) this.failure = error;
    }
  }

  wait(timeoutMs: number): Promise<void> {
    const { asking } = this;
    if (asking === null) return this.held === null ? this.reader.wait(timeoutMs) : Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      void asking.then(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  close(): void {
    this.reader.close();
  }
}

/** Records [from, to) of a batch. */
function slice(batch: RecordBatch, from: number, to: number): RecordBatch {
  const { baseOffset, starts, ends, ingestTimes } = batch;
  return {
    ...batch,
    baseOffset: baseOffset + from,
    count: to - from,
    starts: starts.subarray(from, to),
    ends: ends.subarray(from, to),
    ingestedAt: ingestTimes?.[from] ?? batch.ingestedAt,
    ...(ingestTimes && { ingestTimes: ingestTimes.subarray(from, to) }),
  };
}
