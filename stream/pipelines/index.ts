export * from "./events-pipeline.ts";
export * from "./product-insights.ts";
