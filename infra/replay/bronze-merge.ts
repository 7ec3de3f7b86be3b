import type { QueryEngine } from "../../lakehouse/index.ts";
import { contracts, type EventContract, productContract } from "../../schema/index.ts";
import type { InputRange } from "../platform/spread-notes.ts";
import { type BronzeRecord, bronzeRanges, readBronzePage } from "./bronze-page.ts";

/** Records of all topics that the log took in one millisecond, at most so many of each topic. */
export interface IngestedTogether {
  readonly ingestedAt: number;
  readonly records: readonly { readonly topic: string; readonly key: string; readonly text: string }[];
}

/** Records in memory over all partitions. */
const RECORDS_MAX = 200_000;
const PAGE_OFFSETS_MIN = 1_000;
/** A group is given away before it is larger. */
const GROUP_RECORDS_MAX = 5_000;

/**
 * These ranges of bronze in the order in which the log took them, by ingest time. Of one time products come first; of
 * one topic's partitions, whose order to each other nobody kept, the record with the older event time. Each
 * partition keeps its own order. The same bronze gives the same groups.
 */
export async function* mergeBronze(
  engine: QueryEngine,
  ranges: readonly InputRange[],
): AsyncGenerator<IngestedTogether> {
  const topics = openSources(engine, ranges);
  for (;;) {
    let ingestedAt = Number.POSITIVE_INFINITY;
    for (const sources of topics) {
      for (const source of sources)
        ingestedAt = Math.min(ingestedAt, (await source.first())?.ingestedAt ?? ingestedAt);
    }
    if (ingestedAt === Number.POSITIVE_INFINITY) return;
    let records: { topic: string; key: string; text: string }[] = [];
    for (const sources of topics) {
      for (;;) {
        const source = await oldest(sources, ingestedAt);
        if (source === null) break;
        const { key, text } = source.take();
        records.push({ topic: source.contract.topic, key, text });
        if (records.length < GROUP_RECORDS_MAX) continue;
        yield { ingestedAt, records };
        records = [];
      }
    }
    if (records.length > 0) yield { ingestedAt, records };
  }
}

/** Of the sources with a record of that ingest time, the one whose record has the oldest event time. */
async function oldest(sources: readonly BronzeSource[], ingestedAt: number): Promise<BronzeSource | null> {
  let found: BronzeSource | null = null;
  let eventTime = Number.POSITIVE_INFINITY;
  for (const source of sources) {
    // Waits for a page only where one is read: a promise for each record would cost more than the record.
    const first = source.peek ?? (await source.first());
    if (first === null || first.ingestedAt !== ingestedAt || first.eventTime >= eventTime) continue;
    found = source;
    eventTime = first.eventTime;
  }
  return found;
}

/** The offsets of every input partition that bronze has, by topic and partition. */
export async function inputRanges(engine: QueryEngine): Promise<InputRange[]> {
  const found: InputRange[] = [];
  for (const contract of contracts) {
    const { topic } = contract;
    const ranges = await bronzeRanges(engine, contract, { from: null, to: null });
    ranges.sort((a, b) => a.partition - b.partition);
    found.push(...ranges.map(({ partition, begin, end }) => ({ topic, partition, begin, end })));
  }
  return found;
}

/** The partitions of each topic. */
function openSources(engine: QueryEngine, ranges: readonly InputRange[]): BronzeSource[][] {
  const ordered = [productContract, ...contracts.filter((contract) => contract !== productContract)];
  const pageOffsets = Math.max(PAGE_OFFSETS_MIN, Math.floor(RECORDS_MAX / Math.max(1, ranges.length)));
  return ordered.map((contract) =>
    ranges
      .filter(({ topic }) => topic === contract.topic)
      .map((range) => new BronzeSource({ engine, contract, ...range, pageOffsets })),
  );
}

interface BronzeSourceOptions {
  readonly engine: QueryEngine;
  readonly contract: EventContract;
  readonly partition: number;
  readonly begin: number;
  readonly end: number;
  readonly pageOffsets: number;
}

/** One partition of one topic, a page at a time. */
class BronzeSource {
  readonly contract: EventContract;
  private readonly options: BronzeSourceOptions;
  private page: readonly BronzeRecord[] = [];
  private at = 0;
  private fetchedTo: number;

  constructor(options: BronzeSourceOptions) {
    this.options = options;
    this.contract = options.contract;
    this.fetchedTo = options.begin;
  }

  /** The record that comes next; null behind the last. */
  async first(): Promise<BronzeRecord | null> {
    const { engine, contract, partition, end, pageOffsets } = this.options;
    while (this.at >= this.page.length && this.fetchedTo < end) {
      const to = Math.min(end, this.fetchedTo + pageOffsets);
      this.page = await readBronzePage(engine, { contract, partition, from: this.fetchedTo, to });
      this.at = 0;
      this.fetchedTo = to;
    }
    return this.peek;
  }

  /** The record that comes next where it is in memory. */
  get peek(): BronzeRecord | null {
    return this.page[this.at] ?? null;
  }

  /** Passes the record that {@link peek} gives. */
  take(): BronzeRecord {
    return this.page[this.at++];
  }
}
