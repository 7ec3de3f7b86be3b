export { checkTables, type QualityOptions } from "./check-tables.ts";
export type { QualityResult } from "./finding.ts";
export type { QualityStatus } from "./quality-status.ts";
export { checksOf } from "./table-checks.ts";
