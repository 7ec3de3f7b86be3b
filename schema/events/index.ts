export { avroSchemaOf, TIMESTAMP_MAX_MS } from "./avro-schema.ts";
export * from "./contracts.ts";
export * from "./generated/index.ts";
