export * from "./compact-table.ts";
export * from "./expire-snapshots.ts";
export * from "./maintain-tables.ts";
export type { MaintenanceOptions } from "./maintenance-options.ts";
export * from "./remove-orphans.ts";
