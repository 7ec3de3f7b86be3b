import type { QueryEngine } from "../../lakehouse/index.ts";
import type { ModelRegistry } from "../../ml/index.ts";
import { contracts, customerEventContract, MillraceError, type TableSpec } from "../../schema/index.ts";
import { detectorSpecs, type EventLog, openMs, wholeTopics } from "../../stream/index.ts";
import { type Config, timeConfig } from "../config/index.ts";
import type { Adapters } from "../platform/adapters.ts";
import { openEmbeddedAdapters } from "../platform/embedded-adapters.ts";
import { newestTimes } from "./bronze-page.ts";
import { type MergedTable, mergeCorrections } from "./merge-corrections.ts";
import { type ReplayedHome, replayBronze } from "./replay-bronze.ts";

export interface LakeCorrection {
  /** Of the lake that is corrected. */
  readonly engine: QueryEngine;
  readonly adapters: Pick<Adapters, "catalog" | "objects" | "log">;
  /** The settings that the pipelines run with. */
  readonly config: Config;
  readonly registry: ModelRegistry;
  readonly tables: readonly TableSpec[];
  /** Times by which rows belong to a day, ms, half-open: what lies outside is left alone. */
  readonly from: number;
  readonly to: number;
  /** Takes the replay; to be deleted by the caller. */
  readonly home: string;
  readonly clock: () => number;
  readonly stopwatch: () => number;
  readonly onReplay?: (records: number, ofRecords: number) => void;
  readonly onMerge?: (table: string) => void;
  readonly signal?: AbortSignal;
}

export interface CorrectedLake extends ReplayedHome {
  /** Rows from here on may still change, in some tables at least, and were left alone, ms; null where none may. */
  readonly leftAloneFrom: number | null;
  /** Empty where the replay was interrupted: then nothing was written. */
  readonly tables: readonly MergedTable[];
}

const DAY_MS = 86_400_000;
/** A window of a day, and a partition that has been idle for as long and goes on. */
const UNSETTLED_MS = 2 * DAY_MS;
const LAST_RECORD = { recordsMax: 1, bytesMax: 1 };
const READ_MS_MAX = 5000;

/**
 * Corrects a range of the lake by a replay of all of bronze. Of a part of it, a row whose cause lies
 * outside (a refund of an earlier purchase, a payment that comes later, a season) would come out wrong
 * and take the place of a right one; of all of it every row comes out as the pipelines have it.
 * What may still change is left alone: the tasks that run would number their corrections like these.
 * Rejects with code `wrong-usage` where that is all of the range.
 */
export async function correctLake(correction: LakeCorrection): Promise<CorrectedLake> {
  const { engine, adapters, config, registry, home, clock, stopwatch, from, signal } = correction;
  const processed = await processedUntil(correction);
  const settledOf = (table: TableSpec): number => processed - correctableMs(table, config);
  const settled = correction.tables.map(settledOf);
  if (from >= Math.max(...settled)) {
    const before = Number.isFinite(processed)
      ? `: correct what is before ${new Date(Math.max(...settled)).toISOString()}`
      : "";
    throw new MillraceError(`all rows from ${new Date(from).toISOString()} on may still change${before}`, {
      code: "wrong-usage",
      origin: "user",
    });
  }
  const replayed = await replayBronze({
    engine,
    config,
    registry,
    range: { from: null, to: null },
    home,
    clock,
    stopwatch,
    ...(correction.onReplay && { onProgress: correction.onReplay }),
    ...(signal && { signal }),
  });
  const oldest = Math.min(...settled);
  const leftAloneFrom = oldest < correction.to ? oldest : null;
  if (!replayed.complete) return { ...replayed, leftAloneFrom, tables: [] };
  const side = openEmbeddedAdapters(home, clock);
  const sideEngine = side.openQueryEngine();
  try {
    const tables = await mergeCorrections({
      side: sideEngine,
      lake: engine,
      adapters,
      tables: correction.tables,
      from,
      toOf: (table) => Math.min(correction.to, settledOf(table)),
      fileBytesMax: config.fileBytesMax,
      clock,
      ...(correction.onMerge && { onProgress: correction.onMerge }),
      ...(signal && { signal }),
    });
    return { ...replayed, leftAloneFrom, tables };
  } finally {
    await sideEngine.close();
    await side.close();
  }
}

/** How long a row of the table may still be corrected by what comes. */
function correctableMs(table: TableSpec, config: Config): number {
  const detector = detectorSpecs.find(({ tables }) => tables.includes(table));
  return Math.max(UNSETTLED_MS, detector?.correctedMs?.(config as never) ?? 0);
}

/** Event time up to which all windows are closed, ms; `Infinity` where all inputs have ended. */
async function processedUntil({ engine, adapters, config }: LakeCorrection): Promise<number> {
  if (await haveEnded(adapters.log, config.partitions)) return Number.POSITIVE_INFINITY;
  const newest = await newestTimes(engine, customerEventContract);
  if (newest.length === 0) return Number.NEGATIVE_INFINITY;
  return Math.min(...newest) - openMs(timeConfig(config));
}

/** Whether the last record of every input is the end of it. Products and rules open no windows. */
async function haveEnded(log: EventLog, partitions: number): Promise<boolean> {
  let ended = false;
  for (const { topic } of contracts) {
    if (wholeTopics.includes(topic)) continue;
    for (let partition = 0; partition < partitions; partition++) {
      const { begin, end } = await log.offsets(topic, partition);
      if (end === 0) continue;
      // Of what retention has dropped nobody knows how it ended.
      if (begin === end || !(await isMarker(log, { topic, partition, offset: end - 1 }))) return false;
      ended = true;
    }
  }
  return ended;
}

async function isMarker(
  log: EventLog,
  {
    topic,
    partition,
    offset,
  }: { readonly topic: string; readonly partition: number; readonly offset: number },
): Promise<boolean> {
  const reader = await log.reader(topic, partition, offset);
  try {
    const record = reader.read(LAST_RECORD);
    if (record !== null) return record.control === "end-of-input";
    await reader.wait(READ_MS_MAX);
    return reader.read(LAST_RECORD)?.control === "end-of-input";
  } finally {
    reader.close();
  }
}
