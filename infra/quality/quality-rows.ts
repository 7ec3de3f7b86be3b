import type { QualityResult } from "../../lakehouse/index.ts";
import { goldDataQuality, RowBuffer } from "../../schema/index.ts";
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
  for (const result of results) {
    const r = rows.next();
    const texts = {
      table_name: result.table,
      check_name: result.check,
      kind: result.kind,
      severity: result.severity,
      status: result.status,
      sample: result.sample,
      snapshot_id: result.snapshotId,
      note: result.note,
    };
    for (const [name, value] of Object.entries(texts)) rows.setText(rows.text(name), r, value);
    const numbers = {
      checked_at: checkedAt,
      measured: result.measured,
      threshold: result.threshold,
      rows_checked: result.rows,
      since: result.since,
      failing_since: result.failingSince,
    };
    for (const [name, value] of Object.entries(numbers)) {
      const column = rows.float64(name);
      column.values[r] = value ?? 0;
      if (column.valid !== null) column.valid[r] = value === null ? 0 : 1;
    }
  }
  rows.flush();
  return sink;
}
