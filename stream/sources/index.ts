export * from "./batch-writer.ts";
export * from "./generator/reference-events.ts";
export * from "./loaders/index.ts";
export * from "./partitioner.ts";
export * from "./random.ts";
export * from "./zipf.ts";
