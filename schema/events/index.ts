export { avroSchemaOf, TIMESTAMP_MAX_MS } from "./avro-schema.ts";
export * from "./compatibility.ts";
export * from "./contracts.ts";
export * from "./decoder/create-decoder.ts";
export { unknownSchemaIds } from "./decoder/wire-format.ts";
export * from "./encode.ts";
export * from "./generated/index.ts";
export * from "./validate.ts";
export * from "./writer-schema.ts";
