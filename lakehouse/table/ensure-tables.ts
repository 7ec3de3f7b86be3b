import { randomUUID } from "node:crypto";
import { type TableSpec, tableName } from "../../schema/index.ts";
import type { Catalog, LoadedTable, TableCommit } from "../ports/catalog.ts";
import type { ObjectStore } from "../ports/object-store.ts";
import { type RetryOptions, retryCommit } from "./commit-retry.ts";
import { tableKey } from "./layout.ts";
import { evolveSchema, icebergPartitionSpec, icebergSchema, UNSORTED } from "./schema.ts";
import { currentSchema, currentSnapshot } from "./table-metadata.ts";

export interface EnsureTablesOptions extends RetryOptions {
  readonly catalog: Catalog;
  readonly objectStore: ObjectStore;
}

/**
 * Creates what is missing of the tables, empty, and adds the columns that the specs have and the
 * tables lack. Safe to call by several processes at a time. Rejects with `schema-incompatible`.
 */
export async function ensureTables(specs: readonly TableSpec[], options: EnsureTablesOptions): Promise<void> {
  for (const spec of specs) await ensureTable(spec, options);
}

/** As {@link ensureTables}, for one; resolves to the table. */
export function ensureTable(spec: TableSpec, options: EnsureTablesOptions): Promise<LoadedTable> {
  const name = tableName(spec);
  return retryCommit(name, options, async () => {
    const table = await options.catalog.load(name);
    if (table === null) return options.catalog.commit(name, creation(spec, options.objectStore));
    const schema = evolveSchema(
      spec,
      currentSchema(table.metadata),
      currentSnapshot(table.metadata) === null,
    );
    if (schema === null) return table;
    return options.catalog.commit(name, {
      requirements: [
        { type: "assert-table-uuid", uuid: table.metadata["table-uuid"] },
        { type: "assert-current-schema-id", "current-schema-id": table.metadata["current-schema-id"] },
        {
          type: "assert-last-assigned-field-id",
          "last-assigned-field-id": table.metadata["last-column-id"],
        },
      ],
      updates: [
        { action: "add-schema", schema, "last-column-id": lastColumnId(spec, table) },
        { action: "set-current-schema", "schema-id": -1 },
      ],
    });
  });
}

function lastColumnId(spec: TableSpec, table: LoadedTable): number {
  return Math.max(table.metadata["last-column-id"], ...spec.columns.map((column) => column.id));
}

function creation(spec: TableSpec, objectStore: ObjectStore): TableCommit {
  return {
    requirements: [{ type: "assert-create" }],
    updates: [
      { action: "assign-uuid", uuid: randomUUID() },
      { action: "upgrade-format-version", "format-version": 2 },
      {
        action: "add-schema",
        schema: icebergSchema(spec),
        "last-column-id": Math.max(...spec.columns.map((column) => column.id)),
      },
      { action: "set-current-schema", "schema-id": -1 },
      { action: "add-spec", spec: icebergPartitionSpec(spec) },
      { action: "set-default-spec", "spec-id": -1 },
      { action: "add-sort-order", "sort-order": UNSORTED },
      { action: "set-default-sort-order", "sort-order-id": -1 },
      { action: "set-location", location: objectStore.uri(tableKey(tableName(spec))) },
      {
        action: "set-properties",
        updates: {
          comment: spec.doc,
          "write.format.default": "parquet",
          "write.parquet.compression-codec": "zstd",
          // Other engines' maintenance runs beside our writers; with Iceberg's 4 it often loses every race.
          "commit.retry.num-retries": "20",
          "millrace.key": spec.key.join(","),
        },
      },
    ],
  };
}
