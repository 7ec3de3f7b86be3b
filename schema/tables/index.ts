export * from "./bronze.ts";
export * from "./gold.ts";
export * from "./row-buffer.ts";
export * from "./silver.ts";
export * from "./table-spec.ts";
