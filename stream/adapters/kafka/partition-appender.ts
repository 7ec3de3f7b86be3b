import type { AppendBatch } from "../../ports/event-log.ts";
import { areJoinable, BATCH_BYTES_MAX, valueBytes } from "./append-parts.ts";
import { type EncodedRecords, encodeEndOfInput, encodeValues } from "./encode-batch.ts";
import type { KafkaClient } from "./kafka-client.ts";
import { KafkaError } from "./kafka-errors.ts";
import { type ProducerOptions, ProducerSession, produce } from "./producer-session.ts";

interface Pending {
  readonly batch: AppendBatch;
  readonly bytes: number;
  readonly resolve: (baseOffset: number) => void;
  readonly reject: (error: unknown) => void;
}

interface PartitionQueue {
  readonly topic: string;
  readonly partition: number;
  waiting: Pending[];
  sending: boolean;
}

/** The broker has lost or never had the producer's numbers: the batch was not appended under them. */
const SEQUENCE_LOST = new Set([
  "OUT_OF_ORDER_SEQUENCE_NUMBER",
  "UNKNOWN_PRODUCER_ID",
  "INVALID_PRODUCER_ID_MAPPING",
]);

/**
 * Appends to single partitions by an idempotent producer, without transactions: one record batch is
 * there whole or not at all, and sent again it is there once. One batch a partition is under way;
 * appends that come meanwhile leave together in the next one.
 */
export class PartitionAppender {
  private readonly client: KafkaClient;
  private readonly options: ProducerOptions;
  private session: Promise<ProducerSession> | null = null;
  private readonly queues = new Map<string, PartitionQueue>();

  constructor(client: KafkaClient, options: ProducerOptions) {
    this.client = client;
    this.options = options;
  }

  /** Appends a batch of at most {@link BATCH_BYTES_MAX}, or of one record; resolves with its base offset when durable. */
  append(batch: AppendBatch): Promise<number> {
    const { topic, partition } = batch;
    const key = `${topic}/${partition}`;
    const queue = this.queues.get(key) ?? { topic, partition, waiting: [], sending: false };
    this.queues.set(key, queue);
    return new Promise((resolve, reject) => {
      queue.waiting.push({ batch, bytes: valueBytes(batch), resolve, reject });
      if (!queue.sending) void this.drain(queue);
    });
  }

  private async drain(queue: PartitionQueue): Promise<void> {
    queue.sending = true;
    // Appends of this turn of the event loop leave together.
    await Promise.resolve();
    while (queue.waiting.length > 0) {
      const group = takeGroup(queue);
      try {
        let offset = await this.send(queue, encodeGroup(group));
        for (const { batch, resolve } of group) {
          resolve(offset);
          offset += batch.control === "end-of-input" ? 1 : batch.count;
        }
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
    queue.sending = false;
  }

  private async send({ topic, partition }: PartitionQueue, records: EncodedRecords): Promise<number> {
    for (let tried = 1; ; tried++) {
      const opening = this.openSession();
      try {
        const session = await opening;
        const part = session.seal({ topic, partition, records }, false);
        return (await produce(this.client, null, [part]))[0];
      } catch (error) {
        // Whether a failed batch is there is not known, so neither is the next sequence.
        if (this.session === opening) this.session = null;
        if (tried > 1 || !(error instanceof KafkaError) || !SEQUENCE_LOST.has(error.kind)) throw error;
      }
    }
  }

  private openSession(): Promise<ProducerSession> {
    this.session ??= this.client.run("opening a producer", async () => {
      const broker = await this.client.controller();
      const identity = await broker.initProducerId({ transactionTimeout: 0 });
      return new ProducerSession(identity, this.options);
    });
    return this.session;
  }
}

/** Appends that fit into one record batch; a marker is one by itself. */
function takeGroup(queue: PartitionQueue): Pending[] {
  const { waiting } = queue;
  let count = 1;
  let bytes = waiting[0].bytes;
  for (; count < waiting.length; count++) {
    const next = waiting[count];
    bytes += next.bytes;
    if (bytes > BATCH_BYTES_MAX || !areJoinable(waiting[0].batch, next.batch)) break;
  }
  queue.waiting = waiting.slice(count);
  return waiting.slice(0, count);
}

function encodeGroup(group: readonly Pending[]): EncodedRecords {
  if (group[0].batch.control === "end-of-input") return encodeEndOfInput();
  return encodeValues(group.map(({ batch }) => batch));
}
