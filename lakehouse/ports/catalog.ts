import type { JsonInteger } from "../table/lossless-json.ts";
import type {
  IcebergSchema,
  PartitionSpec,
  Snapshot,
  SnapshotRef,
  SortOrder,
  TableMetadata,
} from "../table/table-metadata.ts";

/**
 * What must hold for a commit to be applied; the forms of the Iceberg REST specification
 * (`TableRequirement` in https://github.com/apache/iceberg/blob/main/open-api/rest-catalog-open-api.yaml).
 */
export type TableRequirement =
  | { readonly type: "assert-create" }
  | { readonly type: "assert-table-uuid"; readonly uuid: string }
  | {
      readonly type: "assert-ref-snapshot-id";
      readonly ref: string;
      /** null: the ref must not exist. */
      readonly "snapshot-id": JsonInteger | null;
    }
  | { readonly type: "assert-last-assigned-field-id"; readonly "last-assigned-field-id": number }
  | { readonly type: "assert-current-schema-id"; readonly "current-schema-id": number }
  | { readonly type: "assert-last-assigned-partition-id"; readonly "last-assigned-partition-id": number }
  | { readonly type: "assert-default-spec-id"; readonly "default-spec-id": number }
  | { readonly type: "assert-default-sort-order-id"; readonly "default-sort-order-id": number };

/** One change of table metadata (`TableUpdate`); -1 as an id means the one that was added last. */
export type TableUpdate =
  | { readonly action: "assign-uuid"; readonly uuid: string }
  | { readonly action: "upgrade-format-version"; readonly "format-version": number }
  | { readonly action: "add-schema"; readonly schema: IcebergSchema; readonly "last-column-id"?: number }
  | { readonly action: "set-current-schema"; readonly "schema-id": number }
  | { readonly action: "add-spec"; readonly spec: PartitionSpec }
  | { readonly action: "set-default-spec"; readonly "spec-id": number }
  | { readonly action: "add-sort-order"; readonly "sort-order": SortOrder }
  | { readonly action: "set-default-sort-order"; readonly "sort-order-id": number }
  | { readonly action: "set-location"; readonly location: string }
  | { readonly action: "set-properties"; readonly updates: Readonly<Record<string, string>> }
  | { readonly action: "remove-properties"; readonly removals: readonly string[] }
  | { readonly action: "add-snapshot"; readonly snapshot: Snapshot }
  | ({ readonly action: "set-snapshot-ref"; readonly "ref-name": string } & SnapshotRef)
  | { readonly action: "remove-snapshot-ref"; readonly "ref-name": string }
  | { readonly action: "remove-snapshots"; readonly "snapshot-ids": readonly JsonInteger[] };

export interface TableCommit {
  readonly requirements: readonly TableRequirement[];
  readonly updates: readonly TableUpdate[];
}

export interface LoadedTable {
  readonly metadata: TableMetadata;
  /** Address of this version's metadata file; changes with every commit. */
  readonly metadataLocation: string;
}

/**
 * Which metadata a table has now, and the one place where that changes. Tables are named
 * `NAMESPACE.TABLE`.
 */
export interface Catalog {
  /** The newest committed metadata, or null when there is no such table. */
  load(table: string): Promise<LoadedTable | null>;
  /**
   * Applies all updates or none, if every requirement holds. `assert-create` creates the table.
   * Rejects with code
   * - `commit-conflict` (retry): a requirement does not hold, or another commit, also to another branch, took the
   *   snapshot's sequence number; nothing was changed;
   * - `commit-unknown` (retry): it may or may not have been applied; load and look before repeating;
   * - `table-not-found`.
   */
  commit(table: string, commit: TableCommit): Promise<LoadedTable>;
  /** Names of the tables of a namespace, sorted. */
  list(namespace: string): Promise<readonly string[]>;
}
