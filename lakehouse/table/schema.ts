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

/**
 * The schema that a table must get so that files of the spec fit it, or null where the current one
 * does. New optional columns, `int` becoming `long` and required becoming optional are taken;
 * columns that only the table has stay. Everything else throws `schema-incompatible`.
 */
export function evolveSchema(
  spec: TableSpec,
  current: IcebergSchema,
  isEmpty: boolean,
): IcebergSchema | null {
  const byId = new Map(current.fields.map((field) => [field.id, field]));
  let isChanged = false;
  const merged = new Map(byId);
  for (const column of spec.columns) {
    const existing = byId.get(column.id);
    const next =
      existing === undefined ? addField(spec, column, isEmpty) : mergeField(spec, column, existing);
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

function addField(spec: TableSpec, column: LakeColumn, isEmpty: boolean): SchemaField {
  if (column.required && !isEmpty) {
    throw incompatible(spec, column, "is new and required, but the rows already there do not have it");
  }
  return schemaField(column);
}

function mergeField(spec: TableSpec, column: LakeColumn, existing: SchemaField): SchemaField {
  if (existing.name !== column.name) {
    throw incompatible(
      spec,
      column,
      `has id ${column.id}, which is ${existing.name} in the table: never insert or reorder columns`,
    );
  }
  const isWidened = existing.type === "int" && column.type === "long";
  // Files with the narrower type of an older deployment fit a table that was widened.
  const isNarrower = existing.type === "long" && column.type === "int";
  if (existing.type !== column.type && !isWidened && !isNarrower) {
    throw incompatible(spec, column, `is ${column.type}, but ${String(existing.type)} in the table`);
  }
  if (column.required && !existing.required) {
    throw incompatible(spec, column, "is required, but optional in the table");
  }
  const isRelaxed = existing.required && !column.required;
  if (!isWidened && !isRelaxed) return existing;
  return { ...existing, type: isNarrower ? existing.type : column.type, required: column.required };
}

/** Columns of the spec in its order, then the table's own. */
function position(spec: TableSpec, field: SchemaField): number {
  const index = spec.columns.findIndex((column) => column.id === field.id);
  return index < 0 ? spec.columns.length + field.id : index;
}

function incompatible(spec: TableSpec, column: LakeColumn, detail: string): MillraceError {
  return new MillraceError(
    `${tableName(spec)}: column ${column.name} ${detail}. Give the column a new name and id, or start a new table.`,
    { code: "schema-incompatible", origin: "user" },
  );
}
