export * from "./collector.ts";
export * from "./event-places.ts";
