export * from "./group-owners.ts";
export * from "./kafka-alert-bus.ts";
export type { KafkaConnectionOptions } from "./kafka-client.ts";
export { KafkaError } from "./kafka-errors.ts";
export * from "./kafka-event-log.ts";
export * from "./kafka-task-group.ts";
export * from "./kafka-topics.ts";
export { createAdmin } from "./kafkajs-internals.ts";
