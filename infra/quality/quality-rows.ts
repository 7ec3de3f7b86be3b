import type { QualityResult } from "../../lakehouse/index.ts";
import { goldDataQuality, RowBuffer, recordAppender } from "../../schema/index.ts";
import { TableSink, type TableSinkOptions } from "../../stream/index.ts";

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
  const sink = new TableSink(goldDataQuality, options);
  const rows = new RowBuffer(goldDataQuality, (columns, length) => sink.append(columns, 0, length));
  const append = recordAppender(rows);
  for (const result of results) {
    append({
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
    });
  }
  rows.flush();
  return sink;
}
