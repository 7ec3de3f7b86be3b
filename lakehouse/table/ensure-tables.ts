import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { type TableSpec, tableName } from "../../schema/index.ts";
import type { Catalog, LoadedTable, TableCommit, TableUpdate } from "../ports/catalog.ts";
import type { ObjectStore } from "../ports/object-store.ts";
import { type RetryOptions, retryCommit } from "./commit-retry.ts";
import { tableKey } from "./layout.ts";
import {
  evolveSchema,
  icebergPartitionSpec,
  icebergSchema,
  RESERVATION,
  RESERVED_COLUMN_ID,
  UNSORTED,
} from "./schema.ts";
import {
  currentSchema,
  currentSnapshot,
  DELETE_AFTER_COMMIT,
  type IcebergSchema,
  PREVIOUS_VERSIONS,
} from "./table-metadata.ts";

export interface EnsureTablesOptions extends RetryOptions {
  readonly catalog: Catalog;
  readonly objectStore: ObjectStore;
  /** Hears of each table that was missing, and is there now, empty. */
  readonly onCreated?: (table: string) => void;
}

/**
 * Creates what is missing of the tables, empty, and adds the columns and properties that the specs have and the
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
    if (table === null) {
      const created = await options.catalog.commit(name, creation(spec, options.objectStore));
      options.onCreated?.(name);
      return created;
    }
    const schema = evolveSchema(spec, {
      current: currentSchema(table.metadata),
      all: table.metadata.schemas,
      isEmpty: currentSnapshot(table.metadata) === null,
    });
    const isReserved = table.metadata["last-column-id"] >= RESERVED_COLUMN_ID;
    const properties = lackingProperties(table);
    if (schema === null && isReserved && properties.length === 0) return table;
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
        ...(schema === null ? [] : current(schema, table)),
        ...(isReserved ? [] : [RESERVE]),
        ...properties,
      ],
    });
  });
}

/** Each commit writes the metadata anew, with all snapshots: what nobody removes fills a disk in days. */
const BOUNDED_HISTORY = { [DELETE_AFTER_COMMIT]: "true", [PREVIOUS_VERSIONS]: "100" };

/** What tables of earlier versions of Millrace lack; what somebody has set stays. */
function lackingProperties({ metadata }: LoadedTable): TableUpdate[] {
  const lacking = Object.entries(BOUNDED_HISTORY).filter(
    ([name]) => metadata.properties?.[name] === undefined,
  );
  return lacking.length === 0 ? [] : [{ action: "set-properties", updates: Object.fromEntries(lacking) }];
}

const RESERVE: TableUpdate = {
  action: "add-schema",
  schema: RESERVATION,
  "last-column-id": RESERVED_COLUMN_ID,
};

/** Makes it the current schema; a catalog does not add one that it has had. */
function current(schema: IcebergSchema, { metadata }: LoadedTable): TableUpdate[] {
  const known = metadata.schemas.find(({ fields }) => isDeepStrictEqual(fields, schema.fields));
  if (known !== undefined) return [{ action: "set-current-schema", "schema-id": known["schema-id"] }];
  const columnId = Math.max(metadata["last-column-id"], ...schema.fields.map(({ id }) => id));
  return [
    { action: "add-schema", schema, "last-column-id": columnId },
    { action: "set-current-schema", "schema-id": -1 },
  ];
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
      RESERVE,
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
          ...BOUNDED_HISTORY,
          "millrace.key": spec.key.join(","),
        },
      },
    ],
  };
}
