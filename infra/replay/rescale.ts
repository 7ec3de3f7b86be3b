import type { ObjectStore, QueryEngine } from "../../lakehouse/index.ts";
import { contracts, MillraceError } from "../../schema/index.ts";
import { type AppendBatch, TopicWriter } from "../../stream/index.ts";
import type { Config } from "../config/index.ts";
import { type IngestedTogether, inputRanges, mergeBronze } from "./bronze-merge.ts";
import { openTarget } from "./rescale-target.ts";

export interface Rescale {
  /** Of the lake whose log is spread anew; everything that its log holds must be in it. */
  readonly engine: QueryEngine;
  readonly objects: ObjectStore;
  /** Of the new home or, on servers, the new platform, with the new number of partitions. */
  readonly target: Config;
  readonly onProgress?: (records: number) => void;
  readonly signal?: AbortSignal;
  /** Of one append: one sync of the disk, or one transaction of Kafka. Default 20,000. */
  readonly appendRecords?: number;
}

const PRODUCER = "rescale";
const MODELS = "models/";
const APPEND_RECORDS = 20_000;
/** Most groups have few records of a partition: each writer takes new memory for each. */
const WRITER_BYTES = 2_048;

/**
 * Fills the log of a new platform with the records of a lake, spread over another number of partitions by
 * their keys, in the order and with the ingest times that they had. What then runs on it comes to the
 * state, the tables, hot values and alerts that so many partitions would have had from the beginning:
 * state is not cut up but made anew by the code that made it. The old platform stays as it is.
 *
 * Killed or interrupted, the same call goes on: the same bronze gives the same appends, and the log drops
 * those that it has by their number. Until then nothing else opens the new platform ({@link SpreadNotes}).
 *
 * @returns records of the log; null where it was interrupted
 * @throws MillraceError `rescale-nothing` where the lake has no records: before anything is made
 */
export async function spreadAnew(rescale: Rescale): Promise<number | null> {
  const { engine, target, onProgress, signal, appendRecords = APPEND_RECORDS } = rescale;
  const ranges = await inputRanges(engine);
  if (ranges.length === 0) {
    throw new MillraceError(
      "the old platform has no records: check that it is the one that is meant; a new one starts with any number of partitions by itself",
      { code: "rescale-nothing", origin: "user" },
    );
  }
  const { close, log, notes, objects } = await openTarget(target, { partitions: target.partitions, ranges });
  try {
    const done = await notes.records();
    if (done !== null) return done;
    await copyModels(rescale.objects, objects);
    let sequence = 0;
    let records = 0;
    const groups = mergeBronze(engine, ranges);
    for await (const { batches, count } of appends(groups, target.partitions, appendRecords)) {
      if (signal?.aborted === true) return null;
      // A crash leaves the append whole or not at all, with its number.
      await log.append(batches, { id: PRODUCER, sequence: sequence++ });
      records += count;
      onProgress?.(records);
    }
    await notes.end(records);
    return records;
  } finally {
    await close();
  }
}

/** Records that came together, by the partitions of their keys, in appends of some size. */
async function* appends(groups: AsyncIterable<IngestedTogether>, partitions: number, recordsMin: number) {
  const writers = new Map(
    contracts.map(({ topic }) => [topic, new TopicWriter(topic, partitions, WRITER_BYTES)]),
  );
  let batches: AppendBatch[] = [];
  let count = 0;
  for await (const { records, ingestedAt } of groups) {
    for (const { topic, key, text } of records) writers.get(topic)?.put(key, text);
    const together: AppendBatch[] = [];
    for (const writer of writers.values()) writer.drain(together);
    for (const batch of together) batches.push({ ...batch, ingestedAt });
    count += records.length;
    if (count < recordsMin) continue;
    yield { batches, count };
    batches = [];
    count = 0;
  }
  if (count > 0) yield { batches, count };
}

/** Versions, cards and aliases as they are; objects that are there already are the same. */
async function copyModels(from: ObjectStore, to: ObjectStore): Promise<void> {
  for await (const { key } of from.list(MODELS)) {
    if ((await to.head(key)) === null) await to.put(key, await from.get(key));
  }
}
