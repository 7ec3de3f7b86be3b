import { type LakeColumn, MillraceError, type TableSpec, tableName } from "../../schema/index.ts";
import type { IcebergSchema, PartitionSpec, SchemaField, SortOrder } from "./table-metadata.ts";

/** Field id of the partition value; Iceberg counts partition fields from 1000. */
export const DAY_FIELD_ID = 1000;

export const UNSORTED: SortOrder = { "order-id": 0, fields: [] };

export function icebergSchema(spec: TableSpec, schemaId = 0): IcebergSchema {
  return { type: "struct", "schema-id": schemaId, fields: spec.columns.map(schemaField) };
}

function schemaField({ id, name, required, type, doc }: LakeColumn): SchemaField {
  return { id, name, required, type, doc };
}

/** Hidden partitioning by UTC day of the spec's time column. */
export function icebergPartitionSpec(spec: TableSpec): PartitionSpec {
  const source = spec.columns.find((column) => column.name === spec.partitionByDayOf);
  if (source?.type !== "timestamptz") {
    throw new MillraceError(
      `${tableName(spec)} is partitioned by ${spec.partitionByDayOf}, which is no timestamptz column of it`,
      { code: "table-spec-invalid", origin: "internal" },
    );
  }
  return {
    "spec-id": 0,
    fields: [
      { name: `${source.name}_day`, transform: "day", "source-id": source.id, "field-id": DAY_FIELD_ID },
    ],
  };
}

/** Columns that other engines add to a table get ids above this one; below it new columns of the specs have theirs. */
export const RESERVED_COLUMN_ID = 9_999;

/**
 * A schema that is never a table's current one: engines count the ids of columns that they add from the
 * highest that any schema has had. Without it a column of somebody's would have the id of the spec's next one.
 */
export const RESERVATION: IcebergSchema = {
  type: "struct",
  "schema-id": 1,
  fields: [
    {
      id: RESERVED_COLUMN_ID,
      name: "reserved",
      required: false,
      type: "boolean",
      doc: "No column: keeps ids free for Millrace.",
    },
  ],
};

export interface SchemaHistory {
  readonly current: IcebergSchema;
  /** Every schema that the table has had. */
  readonly all: readonly IcebergSchema[];
  readonly isEmpty: boolean;
}

/**
 * The schema that a table must get so that files of the spec fit it, or null where the current one
 * does. New optional columns, `int` becoming `long` and required becoming optional are taken;
 * columns that only the table has stay. What another engine dropped comes back, optional, and what it
 * made optional stays so. Everything else throws `schema-incompatible`.
 */
export function evolveSchema(spec: TableSpec, history: SchemaHistory): IcebergSchema | null {
  const { current } = history;
  const byId = new Map(current.fields.map((field) => [field.id, field]));
  let isChanged = false;
  const merged = new Map(byId);
  for (const column of spec.columns) {
    const existing = byId.get(column.id);
    const next =
      existing === undefined ? addField(spec, column, history) : mergeField(spec, column, existing, history);
    if (next !== existing) {
      isChanged = true;
      merged.set(column.id, next);
    }
  }
  if (!isChanged) return null;
  return {
    ...current,
    fields: [...merged.values()].sort((a, b) => position(spec, a) - position(spec, b)),
  };
}

function addField(
  spec: TableSpec,
  column: LakeColumn,
  { current, all, isEmpty }: SchemaHistory,
): SchemaField {
  // Engines that do not tell cases apart would find two of one name, too.
  const namesake = current.fields.find(({ name }) => name.toLowerCase() === column.name);
  if (namesake !== undefined) throw nameTaken(spec, column, namesake.name);
  const dropped = pastFields(column, all).at(-1);
  if (dropped !== undefined) {
    const type = isNarrower(column, dropped) ? dropped.type : column.type;
    // Rows that others wrote in the meantime do not have it.
    return { ...schemaField(column), type, required: false };
  }
  if (column.required && !isEmpty) {
    throw incompatible(spec, column, "is new and required, but the rows already there do not have it");
  }
  return schemaField(column);
}

function mergeField(
  spec: TableSpec,
  column: LakeColumn,
  existing: SchemaField,
  { all }: SchemaHistory,
): SchemaField {
  const past = pastFields(column, all);
  if (existing.name !== column.name) {
    if (past.length > 0) throw renamed(spec, column, existing.name);
    throw incompatible(
      spec,
      column,
      `has id ${column.id}, which is ${existing.name} in the table: never insert or reorder columns`,
    );
  }
  const isWidened = existing.type === "int" && column.type === "long";
  const narrower = isNarrower(column, existing);
  if (existing.type !== column.type && !isWidened && !narrower) {
    throw incompatible(spec, column, `is ${column.type}, but ${String(existing.type)} in the table`);
  }
  if (column.required && !existing.required && !past.some(({ required }) => required)) {
    throw incompatible(spec, column, "is required, but optional in the table");
  }
  const isRelaxed = existing.required && !column.required;
  if (!isWidened && !isRelaxed) return existing;
  // Where another engine made it optional there are nulls, whatever else changes.
  const required = existing.required && column.required;
  return { ...existing, type: narrower ? existing.type : column.type, required };
}

/** Columns of the spec in its order, then the table's own. */
function position(spec: TableSpec, field: SchemaField): number {
  const index = spec.columns.findIndex((column) => column.id === field.id);
  return index < 0 ? spec.columns.length + field.id : index;
}

/** Files with the narrower type of an older deployment fit a table that was widened. */
function isNarrower(column: LakeColumn, existing: SchemaField): boolean {
  return existing.type === "long" && column.type === "int";
}

/** The column as schemas have had it, the oldest first. */
function pastFields({ id, name }: LakeColumn, all: readonly IcebergSchema[]): SchemaField[] {
  return all.flatMap(({ fields }) => fields.filter((field) => field.id === id && field.name === name));
}

function renamed(spec: TableSpec, column: LakeColumn, name: string): MillraceError {
  const table = tableName(spec);
  return new MillraceError(
    `${table}: another engine renamed column ${column.name} to ${name}; let it rename it back ` +
      `(in Trino: ALTER TABLE ${table} RENAME COLUMN "${name}" TO "${column.name}")`,
    { code: "schema-incompatible", origin: "user" },
  );
}

function nameTaken(spec: TableSpec, column: LakeColumn, name: string): MillraceError {
  const table = tableName(spec);
  return new MillraceError(
    `${table}: another engine added a column ${name}, and this version adds one of that name; let it rename its own ` +
      `(in Trino: ALTER TABLE ${table} RENAME COLUMN "${name}" TO "${column.name}_2") or drop it`,
    { code: "schema-incompatible", origin: "user" },
  );
}

function incompatible(spec: TableSpec, column: LakeColumn, detail: string): MillraceError {
  return new MillraceError(
    `${tableName(spec)}: column ${column.name} ${detail}. Give the column a new name and id, or start a new table.`,
    { code: "schema-incompatible", origin: "user" },
  );
}
