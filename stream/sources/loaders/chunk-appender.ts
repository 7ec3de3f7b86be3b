import type { AppendBatch, EventLog } from "../../ports/event-log.ts";
import { endOfInput, TopicWriter } from "../batch-writer.ts";

const CHUNK_ROWS = 5000;
const CHUNK_BYTES = 4 << 20;

/**
 * Appends in chunks whose borders depend on the rows alone, each under its number as the producer's
 * sequence. A killed load run again finds the number of its last durable chunk in the log and appends
 * from the next one on: nothing twice, nothing left out.
 */
export class ChunkAppender {
  readonly #log: EventLog;
  readonly #producerId: string;
  readonly #writers: Map<string, TopicWriter>;
  readonly #lastSequence: number;
  #sequence = 0;
  #rows = 0;
  #bytes = 0;
  #appended = 0;
  readonly #eventsByTopic = new Map<string, number>();

  private constructor(log: EventLog, producerId: string, writers: Map<string, TopicWriter>, last: number) {
    this.#log = log;
    this.#producerId = producerId;
    this.#writers = writers;
    this.#lastSequence = last;
  }

  /** Partition counts are those of the log's topics, which must be there. */
  static async open(log: EventLog, producerId: string, topics: readonly string[]): Promise<ChunkAppender> {
    const specs = new Map((await log.topics()).map((spec) => [spec.name, spec.partitions]));
    const writers = new Map<string, TopicWriter>();
    for (const topic of topics) {
      const partitions = specs.get(topic);
      if (partitions === undefined)
        throw new Error(`topic ${topic} is not in the log: create the topics first`);
      writers.set(topic, new TopicWriter(topic, partitions));
    }
    return new ChunkAppender(log, producerId, writers, await log.producerSequence(producerId));
  }

  get eventsByTopic(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#eventsByTopic);
  }

  /** Chunks that this run appended; 0 where an earlier run had appended them all. */
  get chunksAppended(): number {
    return this.#appended;
  }

  get chunks(): number {
    return this.#sequence;
  }

  add(topic: string, key: Uint8Array, value: Uint8Array | string): void {
    const writer = this.#writers.get(topic)!.at(key);
    const before = writer.length;
    writer.begin(typeof value === "string" ? value.length * 3 : value.length);
    if (typeof value === "string") writer.text(value);
    else writer.raw(value);
    writer.end();
    this.#bytes += writer.length - before;
    this.#eventsByTopic.set(topic, (this.#eventsByTopic.get(topic) ?? 0) + 1);
  }

  /** Ends a row; true where the chunk is full and must be flushed before the next row. */
  endRow(): boolean {
    this.#rows++;
    return this.#rows >= CHUNK_ROWS || this.#bytes >= CHUNK_BYTES;
  }

  /** Durable when it resolves; killed before that, the next run appends the same chunk again. */
  async flush(): Promise<void> {
    if (this.#rows === 0) return;
    const batches: AppendBatch[] = [];
    for (const writer of this.#writers.values()) writer.drain(batches);
    this.#rows = 0;
    this.#bytes = 0;
    await this.#append(batches);
  }

  /** Marks the end of the input on those partitions of the topics. */
  async end(ends: (topic: string, partition: number) => boolean): Promise<void> {
    const batches: AppendBatch[] = [];
    for (const { topic, partition } of this.partitions()) {
      if (ends(topic, partition)) batches.push(endOfInput(topic, partition));
    }
    await this.#append(batches);
  }

  /** Of all topics. */
  partitions(): { readonly topic: string; readonly partition: number }[] {
    return [...this.#writers.values()].flatMap(({ topic, partitions }) =>
      partitions.map((_, partition) => ({ topic, partition })),
    );
  }

  async #append(batches: readonly AppendBatch[]): Promise<void> {
    const sequence = this.#sequence++;
    if (batches.length === 0 || sequence <= this.#lastSequence) return;
    const result = await this.#log.append(batches, { id: this.#producerId, sequence });
    if (result.appended) this.#appended++;
  }
}
