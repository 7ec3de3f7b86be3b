import { randomUUID } from "node:crypto";
import { type TableSpec, tableName } from "../../../schema/index.ts";
import type { Catalog } from "../../ports/catalog.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import { tableKey } from "../layout.ts";
import { icebergPartitionSpec, icebergSchema, UNSORTED } from "../schema.ts";

/** Creates a table as versions of Millrace did that reserved no column ids. */
export async function createOlderTable(
  spec: TableSpec,
  { catalog, objectStore }: { readonly catalog: Catalog; readonly objectStore: ObjectStore },
): Promise<void> {
  const table = tableName(spec);
  await catalog.commit(table, {
    requirements: [{ type: "assert-create" }],
    updates: [
      { action: "assign-uuid", uuid: randomUUID() },
      { action: "upgrade-format-version", "format-version": 2 },
      { action: "add-schema", schema: icebergSchema(spec), "last-column-id": spec.columns.length },
      { action: "set-current-schema", "schema-id": -1 },
      { action: "add-spec", spec: icebergPartitionSpec(spec) },
      { action: "set-default-spec", "spec-id": -1 },
      { action: "add-sort-order", "sort-order": UNSORTED },
      { action: "set-default-sort-order", "sort-order-id": -1 },
      { action: "set-location", location: objectStore.uri(tableKey(table)) },
    ],
  });
}
