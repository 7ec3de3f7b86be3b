export { applyUpdates, commitConflict, failedRequirement } from "./apply-updates.ts";
export * from "./commit-retry.ts";
export * from "./earlier-version.ts";
export * from "./ensure-tables.ts";
export * from "./ensure-views.ts";
export { FileIndex, type IndexedFile } from "./file-index.ts";
export { dataFileKey, LAKE_PREFIX, TableLayout, tableKey } from "./layout.ts";
export * from "./publisher.ts";
export * from "./table-metadata.ts";
