import { RowBuffer, type RowRecord, recordAppender, type TableSpec } from "../../schema/index.ts";
import { TableSink, type TableSinkOptions } from "./table-sink.ts";

/** Some rows of a table that are there all at once, in a sink of their own. */
export function sinkOfRecords(
  table: TableSpec,
  records: Iterable<RowRecord>,
  options: TableSinkOptions,
): TableSink {
  const sink = new TableSink(table, options);
  const rows = new RowBuffer(table, (columns, length) => sink.append(columns, 0, length));
  const append = recordAppender(rows);
  for (const record of records) append(record);
  rows.flush();
  return sink;
}
