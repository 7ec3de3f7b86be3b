import type { AppendPart } from "./append-parts.ts";
import type { ProduceCodec } from "./codecs.ts";
import { sealBatch } from "./encode-batch.ts";
import type { KafkaClient } from "./kafka-client.ts";
import { type ProducePart, produceRequest } from "./produce-request.ts";

export interface ProducerOptions {
  readonly codec: ProduceCodec;
  /** Producer's time of records, ms. */
  readonly clock: () => number;
}

const SEQUENCE_LIMIT = 2 ** 31;

/**
 * One producer id with its sequences: a batch that is sent again under the same numbers is appended
 * once. After an append without a known outcome the session is of no use, since nobody can tell
 * which sequence comes next.
 */
export class ProducerSession {
  readonly producerId: number;
  readonly producerEpoch: number;
  private readonly options: ProducerOptions;
  private readonly sequences = new Map<string, number>();

  constructor(
    identity: { readonly producerId: string; readonly producerEpoch: number },
    options: ProducerOptions,
  ) {
    this.producerId = Number(identity.producerId);
    this.producerEpoch = identity.producerEpoch;
    this.options = options;
  }

  /** Seals the part under the next numbers of its partition. */
  seal({ topic, partition, records }: AppendPart, transactional: boolean): ProducePart {
    const key = `${topic}/${partition}`;
    const baseSequence = this.sequences.get(key) ?? 0;
    this.sequences.set(key, (baseSequence + records.count) % SEQUENCE_LIMIT);
    const { producerId, producerEpoch } = this;
    const { codec, clock } = this.options;
    const timestamp = clock();
    const seal = { codec, timestamp, producerId, producerEpoch, baseSequence, transactional };
    return { topic, partition, batch: sealBatch(records, seal) };
  }
}

/**
 * Sends parts of different partitions to their leaders, all of them again until all are there (what
 * was there already is not appended twice); resolves with their base offsets.
 */
export function produce(
  client: KafkaClient,
  transactionalId: string | null,
  parts: readonly ProducePart[],
): Promise<number[]> {
  const { topic, partition } = parts[0];
  const others = parts.length > 1 ? ` and ${parts.length - 1} more` : "";
  return client.run(`appending to ${topic}[${partition}]${others}`, async () => {
    const leaders = await Promise.all(parts.map((part) => client.leaderOf(part.topic, part.partition)));
    const offsets = new Array<number>(parts.length);
    const send = async (nodeId: number): Promise<void> => {
      const indices = parts.map((_, i) => i).filter((i) => leaders[i] === nodeId);
      const sent = indices.map((i) => parts[i]);
      const bases = await client.send(await client.broker(nodeId), produceRequest(transactionalId, sent));
      indices.forEach((index, i) => {
        offsets[index] = bases[i];
      });
    };
    await Promise.all([...new Set(leaders)].map(send));
    return offsets;
  });
}
