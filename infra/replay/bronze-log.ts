import type { QueryEngine } from "../../lakehouse/index.ts";
import { contracts, type EventContract } from "../../schema/index.ts";
import { type EventLog, wholeTopics } from "../../stream/index.ts";
import { bronzeRanges } from "./bronze-page.ts";
import { type BronzeRange, BronzeReader } from "./bronze-reader.ts";

/** Which records of bronze a replay reads. */
export interface ReplayRange {
  /**
   * Event time, ms, half-open. Of each partition everything is read from the first to the last record in
   * it: what came late in between was part of the same stream. Of products and rules all is read from the
   * beginning: they hold until they change.
   */
  readonly from: number | null;
  readonly to: number | null;
}

export interface BronzeLogOptions {
  /** Of the lake whose bronze tables are read. */
  readonly engine: QueryEngine;
  readonly partitions: number;
  readonly range: ReplayRange;
  /** Takes what is written (panes, alerts, offsets), and gives every topic that is no input. */
  readonly inner: EventLog;
}

/**
 * The bronze tables as an event log: the same pipelines that run live read history from it. Input topics
 * come out of bronze and cannot be written. Every topic ends behind its range, so that windows, sessions
 * and joins that are open there are reported.
 */
export async function openBronzeLog(
  options: BronzeLogOptions,
): Promise<EventLog & { readonly records: number }> {
  const { engine, inner, partitions } = options;
  const byTopic = new Map<
    string,
    { readonly contract: EventContract; readonly ranges: readonly BronzeRange[] }
  >();
  let records = 0;
  for (const contract of contracts) {
    const { from, to } = options.range;
    const whole = wholeTopics.includes(contract.topic);
    const found = await bronzeRanges(engine, contract, { from: whole ? null : from, to });
    records += found.reduce((sum, { begin, end }) => sum + end - begin, 0);
    byTopic.set(contract.topic, {
      contract,
      ranges: Array.from(
        { length: partitions },
        (_, partition) => found.find((range) => range.partition === partition) ?? { begin: 0, end: 0 },
      ),
    });
  }
  return {
    /** Offsets in the ranges: records, and a few that bronze does not have. */
    records,
    createTopics: (specs) => inner.createTopics(specs),
    topics: () => inner.topics(),
    append: (batches, producer) => inner.append(batches, producer),
    producerSequence: (id) => inner.producerSequence(id),
    async offsets(topic, partition) {
      const range = byTopic.get(topic)?.ranges[partition];
      if (range === undefined) return inner.offsets(topic, partition);
      return { begin: range.begin, end: range.end + 1 };
    },
    async reader(topic, partition, offset) {
      const input = byTopic.get(topic);
      if (input === undefined) return inner.reader(topic, partition, offset);
      const { contract, ranges } = input;
      return new BronzeReader({ engine, contract, partition, range: ranges[partition] }, offset);
    },
    commitOffsets: (group, offsets) => inner.commitOffsets(group, offsets),
    committedOffset: (group, topic, partition) => inner.committedOffset(group, topic, partition),
    enforceRetention: (nowMs, groupsOf) => inner.enforceRetention(nowMs, groupsOf),
    close: () => inner.close(),
  };
}
