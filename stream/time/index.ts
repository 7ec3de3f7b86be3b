export * from "./task-time.ts";
export * from "./watermark.ts";
