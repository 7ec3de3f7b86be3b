export * from "./parquet-file-writer.ts";
export { compressZstd } from "./zstd.ts";
