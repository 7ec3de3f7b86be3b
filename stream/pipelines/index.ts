export * from "./events-pipeline.ts";
export * from "./optional-parts.ts";
export * from "./product-insights.ts";
