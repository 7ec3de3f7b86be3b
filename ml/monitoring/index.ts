export * from "./health-window.ts";
export * from "./list-figures.ts";
export * from "./live-accuracy.ts";
export * from "./reference.ts";
export * from "./stability.ts";
