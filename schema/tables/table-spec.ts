import type { QualityCheck } from "./quality-check.ts";

export type LakeType = "string" | "int" | "long" | "double" | "boolean" | "timestamptz";

/** One column of a lake table. Field ids are part of the format: never changed, never used again. */
export interface LakeColumn {
  readonly id: number;
  readonly name: string;
  readonly type: LakeType;
  readonly required: boolean;
  readonly doc: string;
}

/** A table of the lake; everything outside (Iceberg schema, reference page, views) derives from it. */
export interface TableSpec {
  readonly namespace: "bronze" | "silver" | "gold";
  readonly name: string;
  readonly doc: string;
  readonly columns: readonly LakeColumn[];
  /**
   * The timestamptz column whose UTC day partitions the table (hidden partitioning). Rows of one key have the same
   * value in it.
   */
  readonly partitionByDayOf: string;
  /** Columns that identify a row; of several rows with one key the highest `revision` holds. */
  readonly key: readonly string[];
  /** Columns of what is corrected as a whole, such as the window of a ranking; the key where it is absent. */
  readonly correctedBy?: readonly string[];
  /** Column that is the same in all rows of a run, and rises: only the rows of the newest run hold. */
  readonly newestRunBy?: string;
  /** Column of counts: a newest row in which it is 0 stands for no row, late data took away what it counted. */
  readonly nothingWhenZero?: string;
  /** What its rows are held to, beside what follows from keys, windows and revisions: see `lakehouse/quality`. */
  readonly checks?: readonly QualityCheck[];
}

/** Whether rows are corrected: written again with a higher `revision`. */
export function isRevised({ columns }: TableSpec): boolean {
  return columns.some(({ name }) => name === "revision");
}

/**
 * What a newest row has in a column where it says that nothing is there: late data took it away. In a
 * run in which that data came in time there is no such row. Null for a table that takes nothing back.
 */
export function takenBack(
  table: TableSpec,
): { readonly column: string; readonly value: string | number } | null {
  if (table.nothingWhenZero !== undefined) return { column: table.nothingWhenZero, value: 0 };
  return isRevised(table) && table.columns.some(({ name }) => name === "status")
    ? { column: "status", value: "retracted" }
    : null;
}

/** `bronze.customer_events`, as SQL and the catalog name it. */
export function tableName(table: TableSpec): string {
  return `${table.namespace}.${table.name}`;
}

type ColumnTuple = readonly [name: string, type: LakeType, nullability: "required" | "optional", doc: string];

/** Builds a spec whose field ids are the columns' positions from 1: append columns, never insert. */
export function defineTable(
  spec: Omit<TableSpec, "columns"> & { readonly columns: readonly ColumnTuple[] },
): TableSpec {
  const columns = spec.columns.map(([name, type, nullability, doc], index) => ({
    id: index + 1,
    name,
    type,
    required: nullability === "required",
    doc,
  }));
  return { ...spec, columns };
}
