import {
  type Column,
  createInt32Column,
  createKeyColumn,
  type EventBatch,
  type EventContract,
  KeyDictionary,
} from "../../schema/index.ts";

/**
 * The columns of a bronze table for one task: the batch's own columns, then the log position. Made
 * once per decoder, since a decoder fills the same batch again and again.
 */
export function bronzeColumns(
  contract: EventContract,
  batch: EventBatch,
  partition: number,
  capacity: number,
): readonly Column[] {
  const topics = new KeyDictionary("_topic", 1);
  topics.internText(contract.topic);
  const topic = createKeyColumn(capacity, topics);
  const partitions = createInt32Column(capacity, false);
  partitions.values.fill(partition);
  return [
    ...batch.columns,
    topic,
    partitions,
    { kind: "int64", values: batch.offset, valid: null },
    { kind: "timestamp", values: batch.ingestedAt, valid: null },
    batch.extra,
  ];
}
