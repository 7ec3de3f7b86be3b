import type { ObjectStore, QueryEngine } from "../../lakehouse/index.ts";
import { contracts } from "../../schema/index.ts";
import { type AppendBatch, TopicWriter } from "../../stream/index.ts";
import type { Config } from "../config/index.ts";
import { openEmbeddedAdapters } from "../platform/embedded-adapters.ts";
import { platformTopics } from "../platform/topics.ts";
import { mergeBronze } from "./bronze-merge.ts";

export interface Rescale {
  /** Of the lake whose log is spread anew; everything that its log holds must be in it. */
  readonly engine: QueryEngine;
  readonly objects: ObjectStore;
  /** Of the new home, with the new number of partitions. */
  readonly target: Config;
  readonly onProgress?: (records: number) => void;
  readonly signal?: AbortSignal;
}

const PRODUCER = "rescale";
const MODELS = "models/";

/**
 * Fills the log of a new home with the records of a lake, spread over another number of partitions by
 * their keys, in the order and with the ingest times that they had. What then runs on that home comes
 * to the state, the tables, hot values and alerts that so many partitions would have had from the
 * beginning: state is not cut up but made anew by the code that made it. The old home stays as it is.
 *
 * Killed or interrupted, the same call goes on: the log drops what it has by its number.
 *
 * @returns records of the log; null where it was interrupted
 */
export async function spreadAnew(rescale: Rescale): Promise<number | null> {
  const { engine, target, onProgress, signal } = rescale;
  let now = 0;
  const side = openEmbeddedAdapters(target.home, () => now);
  try {
    await side.log.createTopics(platformTopics(target));
    await copyModels(rescale.objects, side.objects);
    const writers = new Map(contracts.map(({ topic }) => [topic, new TopicWriter(topic, target.partitions)]));
    let sequence = 0;
    let records = 0;
    for await (const group of mergeBronze(engine)) {
      if (signal?.aborted === true) return null;
      for (const { topic, key, text } of group.records) {
        const writer = writers.get(topic)!.at(Buffer.from(key));
        writer.begin(text.length * 3);
        writer.text(text);
        writer.end();
      }
      const batches: AppendBatch[] = [];
      for (const writer of writers.values()) writer.drain(batches);
      // The log stamps what it takes with its clock: history keeps its ingest times.
      now = group.ingestedAt;
      await side.log.append(batches, { id: PRODUCER, sequence: sequence++ });
      records += group.records.length;
      onProgress?.(records);
    }
    return records;
  } finally {
    await side.close();
  }
}

/** Versions, cards and aliases as they are; objects that are there already are the same. */
async function copyModels(from: ObjectStore, to: ObjectStore): Promise<void> {
  for await (const { key } of from.list(MODELS)) {
    if ((await to.head(key)) === null) await to.put(key, await from.get(key));
  }
}
