export * from "./bronze.ts";
export * from "./gold.ts";
export * from "./gold-models.ts";
export * from "./gold-fraud.ts";
export * from "./gold-recommendations.ts";
export * from "./row-buffer.ts";
export * from "./silver.ts";
export * from "./table-spec.ts";
