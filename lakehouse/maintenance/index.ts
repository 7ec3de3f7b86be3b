export * from "./compact-table.ts";
export * from "./expire-snapshots.ts";
export * from "./keys-in-use.ts";
export * from "./maintain-tables.ts";
export type { MaintenanceOptions } from "./maintenance-options.ts";
export { reachableObjects } from "./reachable-keys.ts";
export * from "./remove-orphans.ts";
