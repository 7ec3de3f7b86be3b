export * from "./slot-array.ts";
export * from "./state-section.ts";
