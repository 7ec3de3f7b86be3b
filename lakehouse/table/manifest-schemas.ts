import type { IcebergSchema, PartitionSpec } from "./table-metadata.ts";

/**
 * Avro schemas of Iceberg v2 manifests and manifest lists
 * (https://iceberg.apache.org/spec/#manifests). Readers go by field id, so ids and types are the
 * format; names follow the specification.
 */
type AvroSchema = unknown;

interface Field {
  readonly name: string;
  readonly type: AvroSchema;
  readonly "field-id": number;
  readonly default?: null;
}

function required(id: number, name: string, type: AvroSchema): Field {
  return { name, type, "field-id": id };
}

function optional(id: number, name: string, type: AvroSchema): Field {
  return { name, type: ["null", type], default: null, "field-id": id };
}

/** Avro maps have string keys only: a map by column id is an array of pairs, marked as a map. */
function columnMap(keyId: number, valueId: number, value: AvroSchema): AvroSchema {
  return {
    type: "array",
    logicalType: "map",
    items: {
      type: "record",
      name: `k${keyId}_v${valueId}`,
      fields: [required(keyId, "key", "int"), required(valueId, "value", value)],
    },
  };
}

function list(elementId: number, items: AvroSchema): AvroSchema {
  return { type: "array", items, "element-id": elementId };
}

export function manifestEntrySchema(spec: PartitionSpec): AvroSchema {
  const partition = spec.fields.map((field) =>
    optional(field["field-id"], field.name, { type: "int", logicalType: "date" }),
  );
  return {
    type: "record",
    name: "manifest_entry",
    fields: [
      required(0, "status", "int"),
      optional(1, "snapshot_id", "long"),
      optional(3, "sequence_number", "long"),
      optional(4, "file_sequence_number", "long"),
      required(2, "data_file", { type: "record", name: "r2", fields: dataFileFields(partition) }),
    ],
  };
}

function dataFileFields(partition: readonly Field[]): readonly Field[] {
  return [
    required(134, "content", "int"),
    required(100, "file_path", "string"),
    required(101, "file_format", "string"),
    required(102, "partition", { type: "record", name: "r102", fields: partition }),
    required(103, "record_count", "long"),
    required(104, "file_size_in_bytes", "long"),
    optional(108, "column_sizes", columnMap(117, 118, "long")),
    optional(109, "value_counts", columnMap(119, 120, "long")),
    optional(110, "null_value_counts", columnMap(121, 122, "long")),
    optional(137, "nan_value_counts", columnMap(138, 139, "long")),
    optional(125, "lower_bounds", columnMap(126, 127, "bytes")),
    optional(128, "upper_bounds", columnMap(129, 130, "bytes")),
    optional(131, "key_metadata", "bytes"),
    optional(132, "split_offsets", list(133, "long")),
    optional(135, "equality_ids", list(136, "int")),
    optional(140, "sort_order_id", "int"),
  ];
}

export const MANIFEST_FILE_SCHEMA: AvroSchema = {
  type: "record",
  name: "manifest_file",
  fields: [
    required(500, "manifest_path", "string"),
    required(501, "manifest_length", "long"),
    required(502, "partition_spec_id", "int"),
    required(517, "content", "int"),
    required(515, "sequence_number", "long"),
    required(516, "min_sequence_number", "long"),
    required(503, "added_snapshot_id", "long"),
    required(504, "added_files_count", "int"),
    required(505, "existing_files_count", "int"),
    required(506, "deleted_files_count", "int"),
    required(512, "added_rows_count", "long"),
    required(513, "existing_rows_count", "long"),
    required(514, "deleted_rows_count", "long"),
    optional(
      507,
      "partitions",
      list(508, {
        type: "record",
        name: "r508",
        fields: [
          required(509, "contains_null", "boolean"),
          optional(518, "contains_nan", "boolean"),
          optional(510, "lower_bound", "bytes"),
          optional(511, "upper_bound", "bytes"),
        ],
      }),
    ),
    optional(519, "key_metadata", "bytes"),
  ],
};

/** Headers that a manifest must carry besides its Avro schema. */
export function manifestHeader(schema: IcebergSchema, spec: PartitionSpec): Record<string, string> {
  return {
    schema: JSON.stringify(schema),
    "schema-id": String(schema["schema-id"]),
    "partition-spec": JSON.stringify(spec.fields),
    "partition-spec-id": String(spec["spec-id"]),
    "format-version": "2",
    content: "data",
  };
}

/** The names that this code knows fields by, whatever another engine calls them. */
const NAMES: ReadonlyMap<number, string> = collectNames([
  manifestEntrySchema({ "spec-id": 0, fields: [] }),
  MANIFEST_FILE_SCHEMA,
]);

function collectNames(schemas: readonly AvroSchema[]): Map<number, string> {
  const names = new Map<number, string>();
  const visit = (node: unknown): void => {
    if (typeof node !== "object" || node === null) return;
    const { name, "field-id": id } = node as { name?: unknown; "field-id"?: unknown };
    if (typeof id === "number" && typeof name === "string") names.set(id, name);
    for (const child of Object.values(node)) visit(child);
  };
  visit(schemas);
  return names;
}

/** Name of partition fields after {@link adaptSchema}: `p1000`. */
export function partitionFieldName(fieldId: number): string {
  return `p${fieldId}`;
}

/**
 * A writer's schema with its fields renamed to ours by field id (Java says
 * `added_data_files_count`), partition fields to {@link partitionFieldName}, and without logical
 * types, so that dates stay days.
 */
export function adaptSchema(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(adaptSchema);
  if (typeof schema !== "object" || schema === null) return schema;
  const { logicalType: _logicalType, ...members } = schema as Record<string, unknown>;
  const adapted = Object.fromEntries(
    Object.entries(members).map(([key, value]) => [key, key === "default" ? value : adaptSchema(value)]),
  );
  const id = members["field-id"];
  if (typeof id === "number")
    adapted.name = NAMES.get(id) ?? (id >= 1000 ? partitionFieldName(id) : members.name);
  return adapted;
}
