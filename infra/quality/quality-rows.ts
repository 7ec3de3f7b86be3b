import type { QualityResult } from "../../lakehouse/index.ts";
import { goldDataQuality } from "../../schema/index.ts";
import { sinkOfRecords, type TableSink, type TableSinkOptions } from "../../stream/index.ts";

/** A result with its history. */
export interface RecordedResult extends QualityResult {
  /** When the first of the runs in a row began that failed, up to this one, ms; null where it does not. */
  readonly failingSince: number | null;
}

/** The rows of `gold.data_quality`, in a sink of their own. Times are ms. */
export function qualitySink(
  results: readonly RecordedResult[],
  checkedAt: number,
  options: TableSinkOptions,
): TableSink {
  const records = results.map((result) => ({
    checked_at: checkedAt,
    table_name: result.table,
    check_name: result.check,
    kind: result.kind,
    severity: result.severity,
    status: result.status,
    measured: result.measured,
    threshold: result.threshold,
    rows_checked: result.rows,
    since: result.since,
    sample: result.sample,
    snapshot_id: result.snapshotId,
    note: result.note,
    failing_since: result.failingSince,
  }));
  return sinkOfRecords(goldDataQuality, records, options);
}
