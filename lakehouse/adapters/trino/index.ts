export * from "./trino-maintenance.ts";
export {
  type TrinoConnection,
  TrinoQueryEngine,
  type TrinoQueryEngineOptions,
} from "./trino-query-engine.ts";
