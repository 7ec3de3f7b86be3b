export * from "./bronze-reader.ts";
export * from "./dataset.ts";
export * from "./input-file.ts";
export * from "./metrics.ts";
export * from "./random.ts";
export * from "./split.ts";
export * from "./train-plugin.ts";
