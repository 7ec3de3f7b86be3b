export * from "./maintenance/index.ts";
export * from "./parquet/index.ts";
export * from "./ports/catalog.ts";
export * from "./ports/file-rewriter.ts";
export * from "./ports/object-store.ts";
export * from "./ports/query-engine.ts";
export * from "./ports/staged-file.ts";
export * from "./table/index.ts";
