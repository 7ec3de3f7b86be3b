export * from "./ports/object-store.ts";
export * from "./ports/query-engine.ts";
export * from "./ports/staged-file.ts";
