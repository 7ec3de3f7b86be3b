export * from "./fraud-events.ts";
export * from "./fraud-features.ts";
