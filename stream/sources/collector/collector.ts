import {
  columnValue,
  contracts,
  createDecoder,
  type EventContract,
  type EventProblem,
  type RecordBatch,
} from "../../../schema/index.ts";
import type { AppendBatch, EventLog } from "../../ports/event-log.ts";
import { TopicWriter } from "../batch-writer.ts";
import { partitionOf } from "../partitioner.ts";
import { partitionsOf } from "../partitions-of.ts";
import { type DecodingRules, isPlatformTopic } from "../resends/check-event.ts";
import type { EventPlaces } from "./event-places.ts";

/** Events of one decode, a turn of the event loop: others wait for some milliseconds. */
const DECODED_AT_ONCE = 512;
/** Room that a partition's records begin with. */
const WRITER_BYTES = 1 << 12;
/** Refusals that an answer tells; the others are counted. */
const REFUSALS_TOLD_MAX = 100;

/** An event that was not taken, and why. */
export interface CollectedRefusal extends EventProblem {
  /** Which of the events that came together, from 0. */
  readonly index: number;
}

/** What became of events that came together. Those accepted are durable in the log. */
export interface Collected {
  readonly accepted: number;
  readonly refused: number;
  /** The first of those refused. */
  readonly refusals: readonly CollectedRefusal[];
}

export interface CollectorDeps {
  readonly log: Pick<EventLog, "append" | "topics">;
  readonly decoding: Omit<DecodingRules, "source">;
  readonly clock: () => number;
  readonly nextTurn: () => Promise<void>;
}

/** The contracts whose events others may send: all but what the platform itself writes. */
export const collectedContracts: readonly EventContract[] = contracts.filter(
  ({ topic }) => !isPlatformTopic(topic),
);

/**
 * Takes events of JSON into the log, as they came, by the decoder that the pipeline has: what it would refuse is
 * refused here, and told to whoever sent it. Who gets no answer sends the same again: events are told
 * apart by their ids behind the log.
 */
export class Collector {
  private readonly deps: CollectorDeps;
  private readonly partitions = new Map<string, number>();

  constructor(deps: CollectorDeps) {
    this.deps = deps;
  }

  /**
   * Appends those of the events that the contract takes, all in one append; resolves when they are durable. A crash before
   * leaves all or none of them in the embedded log, in Kafka those of some partitions.
   */
  async collect(contract: EventContract, bytes: Uint8Array, places: EventPlaces): Promise<Collected> {
    const count = places.starts.length;
    const writer = new TopicWriter(contract.topic, await this.partitionsOf(contract.topic), WRITER_BYTES);
    const refusals: CollectedRefusal[] = [];
    let [accepted, refused] = [0, 0];
    const { recordBytesMax, futureSkewMs } = this.deps.decoding;
    // One of its own: what a decoder interns it keeps.
    const decoder = createDecoder(contract, {
      ...{ recordBytesMax, futureSkewMs, refusalBytesMax: 0 },
      // Only JSON is taken: nobody has looked the ids of Avro's schemas up.
      schemas: new Map(),
      capacity: Math.min(count, DECODED_AT_ONCE),
    });
    const keyField = contract.fields.findIndex(({ name }) => name === contract.keyField);
    const records = this.recordsOf(contract, bytes, places);
    for (let from = 0; from < count; from += DECODED_AT_ONCE) {
      const batch = decoder.decode(records, from, Math.min(count, from + DECODED_AT_ONCE));
      for (let row = 0; row < batch.length; row++) {
        const index = batch.offset[row];
        const key = Buffer.from(String(columnValue(batch.columns[keyField], row)));
        const partition = partitionOf(key, writer.partitions.length);
        writer.putBytes(partition, bytes.subarray(places.starts[index], places.ends[index]));
        accepted++;
      }
      for (const { offset: index, reason, field, detail } of decoder.refusals)
        if (refused++ < REFUSALS_TOLD_MAX) refusals.push({ index, reason, field, detail });
      await this.deps.nextTurn();
    }
    const batches: AppendBatch[] = [];
    writer.drain(batches);
    if (batches.length > 0) await this.deps.log.append(batches);
    return { accepted, refused, refusals };
  }

  /** Offsets are the events' indexes. */
  private recordsOf({ topic }: EventContract, bytes: Uint8Array, { starts, ends }: EventPlaces): RecordBatch {
    return {
      ...{ topic, partition: 0, baseOffset: 0, count: starts.length, sequence: 0 },
      ...{ bytes, starts: Int32Array.from(starts), ends: Int32Array.from(ends) },
      ...{ ingestedAt: this.deps.clock(), control: "data" },
    };
  }

  private async partitionsOf(topic: string): Promise<number> {
    const known = this.partitions.get(topic);
    if (known !== undefined) return known;
    const partitions = await partitionsOf(this.deps.log, topic);
    this.partitions.set(topic, partitions);
    return partitions;
  }
}
