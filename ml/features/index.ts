export * from "./feature-set.ts";
export * from "./fraud/index.ts";
export * from "./session-looks.ts";
export * from "./shopper-event.ts";
export * from "./shopper-session.ts";
