export * from "./lmdb-event-log.ts";
export * from "./lmdb-hot-store.ts";
