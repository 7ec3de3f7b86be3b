export * from "./trino-query-engine.ts";
