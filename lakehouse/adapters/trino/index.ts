export * from "./trino-maintenance.ts";
export * from "./trino-query-engine.ts";
