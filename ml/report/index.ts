export * from "./evidence.ts";
export * from "./report.ts";
