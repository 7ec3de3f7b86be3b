export * from "./commit-retry.ts";
export * from "./ensure-tables.ts";
export { dataFileKey, LAKE_PREFIX, tableKey } from "./layout.ts";
export * from "./publisher.ts";
export * from "./table-metadata.ts";
