import { randomUUID } from "node:crypto";
import { type TableSpec, tableName } from "../../../schema/index.ts";
import { ParquetFileWriter } from "../../parquet/index.ts";
import { columnOf } from "../../parquet/testing/plain-columns.ts";
import type { PlainValue } from "../../parquet/testing/read-back.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { StagedFile } from "../../ports/staged-file.ts";
import { dataFileKey } from "../layout.ts";
import { MS_PER_DAY } from "./probe-table.ts";

/** Puts rows of one day, values in the order of the spec's columns, as one data file by our own writer. */
export async function stageRows(
  spec: TableSpec,
  rows: readonly (readonly PlainValue[])[],
  objectStore: ObjectStore,
): Promise<StagedFile> {
  const writer = new ParquetFileWriter(spec);
  const columns = spec.columns.map((column, i) =>
    columnOf(
      column,
      rows.map((row) => row[i]),
    ),
  );
  writer.append(columns, 0, rows.length);
  const { pieces, ...file } = writer.finish();
  const table = tableName(spec);
  const timeAt = spec.columns.findIndex(({ name }) => name === spec.partitionByDayOf);
  const day = Math.floor(Number(rows[0][timeAt]) / MS_PER_DAY);
  const key = dataFileKey(table, { field: `${spec.partitionByDayOf}_day`, day }, randomUUID());
  await objectStore.put(key, pieces);
  return { table, key, day, ...file };
}
