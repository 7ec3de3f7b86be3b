import { randomUUID } from "node:crypto";
import type {
  AppendBatch,
  AppendResult,
  EventLog,
  LogReader,
  ProducerMark,
  TopicSpec,
} from "../../ports/event-log.ts";
import { outOfRangeError } from "../lmdb-log-reader.ts";
import { type AppendPart, type AppendPlan, planAppend } from "./append-parts.ts";
import type { ProduceCodec } from "./codecs.ts";
import { Fetcher } from "./fetcher.ts";
import { GroupOffsets } from "./group-offsets.ts";
import { KafkaClient, type KafkaConnectionOptions } from "./kafka-client.ts";
import { KafkaLogReader } from "./kafka-log-reader.ts";
import { KafkaTopics } from "./kafka-topics.ts";
import { MarkedProducer } from "./marked-producer.ts";
import { type KafkaWarning, OutageWarnings } from "./outage-warnings.ts";
import { PartitionAppender } from "./partition-appender.ts";
import { MARKS_PARTITIONS, ProducerMarks } from "./producer-marks.ts";
import type { ProducerOptions } from "./producer-session.ts";
import { TransactionalProducer } from "./transactional-producer.ts";

export interface KafkaEventLogOptions {
  readonly connection: KafkaConnectionOptions;
  /** Time of records in topics that take the producer's, ms since the epoch. */
  readonly clock: () => number;
  /** Of the batches that this log appends; it reads all. Default zstd. */
  readonly codec?: ProduceCodec;
  /** Copies of topics that this log creates; default 1. */
  readonly replicationFactor?: number;
  /** Compacted topic of the producers' sequences; made when first needed. Default `millrace-producers`. */
  readonly producersTopic?: string;
  /** Hears of failures that the log goes on trying to get over: a broker away, a leader that moves. */
  readonly warn?: (warning: KafkaWarning) => void;
}

const EARLIEST = -2;
const LATEST = -1;
const READ_UNCOMMITTED = 0;

/**
 * EventLog on Kafka. A resolved append is with all replicas in sync; what an append needs to be
 * whole decides how it is written:
 * - one record batch without a mark: an idempotent producer, one round trip;
 * - several, or with a mark: a transaction, in which the mark is a record beside the data.
 *
 * Readers see committed records alone. Offsets have gaps where transactions ended or compaction took
 * records out, and the log keeps no order over topics but the broker's time (infra/decisions/0003).
 */
export class KafkaEventLog implements EventLog {
  private readonly client: KafkaClient;
  private readonly tailClient: KafkaClient;
  private readonly adminTopics: KafkaTopics;
  private readonly fetcher: Fetcher;
  private readonly readers = new Set<KafkaLogReader>();
  private readonly producerOptions: ProducerOptions;
  private readonly appender: PartitionAppender;
  private readonly transactions: TransactionalProducer;
  private readonly marks: ProducerMarks;
  private marksCreated: Promise<void> | null = null;
  private readonly marked = new Map<string, MarkedProducer>();
  private readonly groupOffsets: GroupOffsets;

  constructor(options: KafkaEventLogOptions) {
    const { connection, clock, codec = "zstd", warn = () => undefined } = options;
    this.client = new KafkaClient(connection);
    this.tailClient = new KafkaClient(connection);
    this.adminTopics = new KafkaTopics(connection, options.replicationFactor ?? 1);
    this.fetcher = new Fetcher(
      { tail: this.tailClient, behind: this.client },
      new OutageWarnings(warn, clock),
    );
    this.producerOptions = { codec, clock };
    this.appender = new PartitionAppender(this.client, this.producerOptions);
    this.transactions = this.transactional(`${connection.clientId}/${randomUUID()}`, false);
    this.marks = new ProducerMarks(options.producersTopic ?? "millrace-producers", {
      readerFromBegin: async (topic, partition) =>
        this.openReader({ topic, partition, offset: await this.listOffset(topic, partition, EARLIEST) }),
      end: (topic, partition) => this.listOffset(topic, partition, LATEST),
    });
    this.groupOffsets = new GroupOffsets(this.client, warn, clock);
  }

  createTopics(specs: readonly TopicSpec[]): Promise<void> {
    return this.adminTopics.create(specs);
  }

  async topics(): Promise<readonly TopicSpec[]> {
    return (await this.adminTopics.list()).filter(({ name }) => name !== this.marks.topic);
  }

  async append(batches: readonly AppendBatch[], producer?: ProducerMark): Promise<AppendResult> {
    for (const { topic, partition } of batches) await this.assertPartition(topic, partition);
    const plan = planAppend(batches);
    if (producer !== undefined) {
      const offsets = await (await this.markedProducer(producer.id)).append(plan.parts, producer.sequence);
      if (offsets === null) return { appended: false, baseOffsets: [] };
      return { appended: true, baseOffsets: await this.firstOffsets(batches, plan, offsets) };
    }
    const offsets = await this.appendUnmarked(batches, plan.parts);
    return { appended: true, baseOffsets: await this.firstOffsets(batches, plan, offsets) };
  }

  /** Claims the producer: a process that had it before can append under it no more. */
  async producerSequence(id: string): Promise<number> {
    return (await this.markedProducer(id)).claim();
  }

  /**
   * The end is behind records of transactions that are not settled yet, too: a resolved append's
   * markers may still be on their way, and whoever waits for the end waits for its records.
   */
  async offsets(topic: string, partition: number): Promise<{ begin: number; end: number }> {
    await this.assertPartition(topic, partition);
    const [begin, end] = await Promise.all([
      this.listOffset(topic, partition, EARLIEST),
      this.listOffset(topic, partition, LATEST),
    ]);
    return { begin, end };
  }

  topicId(topic: string): Promise<string> {
    return this.client.run(`looking up ${topic}`, () => this.client.topicId(topic));
  }

  async reader(topic: string, partition: number, offset: number): Promise<LogReader> {
    const [{ begin, end }, topicId] = await Promise.all([
      this.offsets(topic, partition),
      this.topicId(topic),
    ]);
    if (offset < begin || offset > end) throw outOfRangeError(topic, partition, offset, { begin, end });
    return this.openReader({ topic, partition, offset, topicId });
  }

  commitOffsets(
    group: string,
    offsets: readonly { readonly topic: string; readonly partition: number; readonly offset: number }[],
  ): Promise<void> {
    return this.groupOffsets.commit(group, offsets);
  }

  committedOffset(group: string, topic: string, partition: number): Promise<number | null> {
    return this.groupOffsets.committed(group, topic, partition);
  }

  /** Nothing to do: the brokers drop by the topics' retention, whoever has not read yet. */
  async enforceRetention(): Promise<{ readonly recordsDropped: number }> {
    return { recordsDropped: 0 };
  }

  async close(): Promise<void> {
    for (const reader of [...this.readers]) reader.close();
    this.client.close();
    this.tailClient.close();
    await this.adminTopics.close();
  }

  private async appendUnmarked(
    batches: readonly AppendBatch[],
    parts: readonly AppendPart[],
  ): Promise<number[]> {
    if (parts.length === 0) return [];
    const [batch, ...others] = batches.filter(
      ({ count, control }) => count > 0 || control === "end-of-input",
    );
    if (parts.length > 1 || others.length > 0) return this.transactions.append(parts);
    return [await this.appender.append(batch)];
  }

  /** Base offset of each batch; of one without records, where its first would be. */
  private firstOffsets(
    batches: readonly AppendBatch[],
    { firsts }: AppendPlan,
    offsets: readonly number[],
  ): Promise<number[]> {
    return Promise.all(
      firsts.map((first, i) =>
        first !== null
          ? offsets[first.part] + first.before
          : this.listOffset(batches[i].topic, batches[i].partition, LATEST),
      ),
    );
  }

  private async markedProducer(id: string): Promise<MarkedProducer> {
    this.marksCreated ??= this.adminTopics.createCompacted(this.marks.topic, MARKS_PARTITIONS);
    try {
      await this.marksCreated;
    } catch (error) {
      this.marksCreated = null;
      throw error;
    }
    let producer = this.marked.get(id);
    if (producer === undefined) {
      producer = new MarkedProducer(id, this.transactional(`${this.marks.topic}/${id}`, true), this.marks);
      this.marked.set(id, producer);
    }
    return producer;
  }

  private transactional(id: string, isShared: boolean): TransactionalProducer {
    return new TransactionalProducer(id, this.client, this.producerOptions, isShared);
  }

  private openReader(at: ConstructorParameters<typeof KafkaLogReader>[0]): LogReader {
    const reader = new KafkaLogReader(at, {
      wanted: () => this.fetcher.wake(),
      closed: (closed) => {
        this.fetcher.remove(closed);
        this.readers.delete(closed);
      },
    });
    this.readers.add(reader);
    this.fetcher.add(reader);
    return reader;
  }

  private async assertPartition(topic: string, partition: number): Promise<void> {
    await this.client.run(`looking up ${topic}`, () => this.client.leaderOf(topic, partition));
  }

  private listOffset(topic: string, partition: number, timestamp: number): Promise<number> {
    return this.client.run(`asking for offsets of ${topic}[${partition}]`, async () => {
      const broker = await this.client.broker(await this.client.leaderOf(topic, partition));
      const { responses } = await broker.listOffsets({
        replicaId: -1,
        isolationLevel: READ_UNCOMMITTED,
        topics: [{ topic, partitions: [{ partition, timestamp }] }],
      });
      return Number(responses[0].partitions[0].offset);
    });
  }
}
