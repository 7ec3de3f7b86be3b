export * from "./product-insights.ts";
export * from "./events-pipeline.ts";
