export * from "./duckdb-file-rewriter.ts";
export * from "./duckdb-query-engine.ts";
export * from "./file-catalog.ts";
export * from "./local-object-store.ts";
