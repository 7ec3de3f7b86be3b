import {
  checkTables,
  type QualityOptions,
  type QualityResult,
  type QueryEngine,
} from "../../lakehouse/index.ts";
import { goldDataQuality, tableName } from "../../schema/index.ts";
import type { AlertBus } from "../../stream/index.ts";
import { type PublishDeps, publishSinks } from "../platform/publish-sinks.ts";
import { qualityAlerts } from "./quality-alerts.ts";
import { qualitySink, type RecordedResult } from "./quality-rows.ts";

export interface QualityRunDeps extends PublishDeps {
  readonly queryEngine: QueryEngine;
  readonly alertBus: AlertBus;
  /** Names the files: never the same twice. */
  readonly nonce: string;
}

export interface QualityRunOptions extends Omit<QualityOptions, "clock"> {
  readonly fileBytesMax: number;
}

export interface QualityReport {
  /** When the run began, ms. */
  readonly checkedAt: number;
  readonly results: readonly RecordedResult[];
  readonly seconds: number;
}

const TASK = "data-quality";
const DAY_MS = 86_400_000;
/** How far back the last result of a check is looked for. */
const HISTORY_MS = 31 * DAY_MS;

/**
 * Checks tables once: rows to `gold.data_quality`, then alerts for checks of severity error that fail, and
 * retractions for those that no longer do. A crash before the snapshot leaves a file that nothing names, which
 * maintenance removes; one behind it leaves alerts unsaid, which the next run says: their ids follow from
 * what the table has.
 */
export async function runQuality(deps: QualityRunDeps, options: QualityRunOptions): Promise<QualityReport> {
  const checkedAt = deps.clock();
  const failing = await failingBefore(deps.queryEngine, checkedAt, options.signal);
  const results = await checkTables(deps.queryEngine, { ...options, clock: deps.clock });
  const recorded = results.map((result) => ({
    ...result,
    failingSince: failingSince(result, failing.get(keyOf(result)) ?? null, checkedAt),
  }));
  const sink = qualitySink(recorded, checkedAt, {
    taskId: TASK,
    nonce: deps.nonce,
    fileBytesMax: options.fileBytesMax,
  });
  await publishSinks(TASK, [sink], deps);
  await deps.alertBus.publish(
    recorded.flatMap((result) => qualityAlerts(result, failing.get(keyOf(result)) ?? null, checkedAt)),
  );
  return { checkedAt, results: recorded, seconds: (deps.clock() - checkedAt) / 1000 };
}

function keyOf({ table, check }: Pick<QualityResult, "table" | "check">): string {
  return `${table}:${check}`;
}

/** A check that could not be asked is neither better nor worse than before. */
function failingSince({ status }: QualityResult, before: number | null, checkedAt: number): number | null {
  if (status === "passed") return null;
  return status === "failed" ? (before ?? checkedAt) : before;
}

/** Since when the checks fail that failed when they were run last. */
async function failingBefore(
  engine: QueryEngine,
  now: number,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, number>> {
  const from = now - HISTORY_MS;
  const { rows } = await engine.query(
    `SELECT table_name, check_name, failing_since FROM (
       SELECT table_name, check_name, failing_since,
         row_number() OVER (PARTITION BY table_name, check_name ORDER BY checked_at DESC) AS place
       FROM {${tableName(goldDataQuality)}} WHERE checked_at >= $1) AS newest
     WHERE place = 1 AND failing_since IS NOT NULL`,
    [new Date(from)],
    { eventTime: { from }, ...(signal !== undefined && { signal }) },
  );
  return new Map(
    rows.map((row) => [
      keyOf({ table: String(row.table_name), check: String(row.check_name) }),
      (row.failing_since as Date).getTime(),
    ]),
  );
}
