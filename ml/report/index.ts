export * from "./evidence.ts";
export * from "./report.ts";
export * from "./training-result.ts";
