export * from "./home-log.ts";
export * from "./http-webhook-receiver.ts";
export { joinFollowing, type NextBatch } from "./join-batches.ts";
export * from "./lmdb-event-log.ts";
export * from "./lmdb-hot-store.ts";
export * from "./log-alert-bus.ts";
