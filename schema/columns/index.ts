export * from "./column.ts";
export * from "./event-batch.ts";
export * from "./free-bytes.ts";
export * from "./hash.ts";
export * from "./key-dictionary.ts";
export * from "./record-batch.ts";
export * from "./safe-integer.ts";
export * from "./text-interner.ts";
