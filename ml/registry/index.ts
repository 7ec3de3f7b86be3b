export * from "./alias-log.ts";
export * from "./load-champion.ts";
export * from "./model-card.ts";
export * from "./model-registry.ts";
export * from "./model-slot.ts";
export * from "./promote.ts";
export * from "./promotion-gate.ts";
