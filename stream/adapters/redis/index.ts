export * from "./redis-hot-store.ts";
