export * from "./metrics.ts";
export * from "./random.ts";
