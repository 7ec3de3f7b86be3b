export * from "./bronze.ts";
export * from "./gold.ts";
export * from "./silver.ts";
export * from "./table-spec.ts";
