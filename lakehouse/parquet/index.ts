export * from "./parquet-file-writer.ts";
