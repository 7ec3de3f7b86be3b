export * from "./load-champion.ts";
export * from "./model-card.ts";
export * from "./model-registry.ts";
