import { MillraceError } from "../../schema/index.ts";
import type { ObjectStore } from "../ports/object-store.ts";
import type { TableMetadata } from "./table-metadata.ts";

/** Folder of the object store under which the lake lies: part of the fixed layout. */
export const LAKE_PREFIX = "lake";

const MS_PER_DAY = 86_400_000;

/** `lake/bronze/orders` for `bronze.orders`. */
export function tableKey(table: string): string {
  const dot = table.indexOf(".");
  if (!/^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$/.test(table)) {
    throw new MillraceError(`"${table}" is no table name; tables are named NAMESPACE.TABLE`, {
      code: "table-name-invalid",
      origin: "user",
    });
  }
  return `${LAKE_PREFIX}/${table.slice(0, dot)}/${table.slice(dot + 1)}`;
}

/**
 * Where a data file of a table goes: `lake/bronze/orders/data/order_time_day=2026-01-31/NAME.parquet`
 * (the folder is for people; readers go by the manifests). `name` must be unique in the table for
 * ever.
 */
export function dataFileKey(
  table: string,
  partition: { readonly field: string; readonly day: number },
  name: string,
): string {
  return `${tableKey(table)}/data/${partition.field}=${dayText(partition.day)}/${name}.parquet`;
}

/** `2026-01-31` for a day since the epoch. */
export function dayText(day: number): string {
  return new Date(day * MS_PER_DAY).toISOString().slice(0, 10);
}

/**
 * Translates between object keys and the addresses in a table's metadata. In a lake of files an address
 * is the table's `location` plus the key's part behind the table's folder, so a lake whose home folder
 * was moved or copied stays readable and writable by us: only readers that take the addresses literally
 * need the old place (DuckDB does not, with `allow_moved_paths`). An address with a scheme
 * (`s3://BUCKET/…`) is taken literally; a table that lies outside of the object store is refused, since
 * what we wrote for it would be where nobody looks.
 */
export class TableLayout {
  private readonly location: string;
  private readonly key: string;
  private readonly storeBase: string;
  private readonly isMoved: boolean;

  constructor(table: string, metadata: TableMetadata, objectStore: ObjectStore) {
    this.location = metadata.location;
    this.key = tableKey(table);
    this.storeBase = objectStore.uri("");
    const isLiteral = metadata.location.includes("://");
    // Not by the prefix: a home may have come from a folder of the one that it is in now.
    this.isMoved = !isLiteral && metadata.location !== this.storeBase + this.key;
    if (isLiteral && !metadata.location.startsWith(this.storeBase)) {
      throw new MillraceError(
        `table ${table} lies at ${metadata.location}, outside of the object store ${this.storeBase}; ` +
          "check the store's bucket and prefix, or drop the table and let Millrace create it",
        { code: "table-location-foreign", origin: "user" },
      );
    }
  }

  uri(key: string): string {
    return this.isMoved && key.startsWith(`${this.key}/`)
      ? this.location + key.slice(this.key.length)
      : this.storeBase + key;
  }

  keyOf(uri: string): string {
    if (this.isMoved && uri.startsWith(`${this.location}/`))
      return this.key + uri.slice(this.location.length);
    if (uri.startsWith(this.storeBase)) return uri.slice(this.storeBase.length);
    throw new MillraceError(
      `${uri} lies neither in the table's folder ${this.location} nor in the object store ${this.storeBase}`,
      { code: "lake-file-foreign", origin: "external" },
    );
  }
}
