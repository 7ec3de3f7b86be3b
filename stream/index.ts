export * from "./ports/alert-bus.ts";
export * from "./ports/event-log.ts";
export * from "./ports/hot-store.ts";
export * from "./runtime/operator.ts";
export * from "./runtime/status.ts";
export * from "./sinks/hot-records.ts";
export * from "./sources/index.ts";
export * from "./time/index.ts";
