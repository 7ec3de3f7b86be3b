export type { KafkaConnectionOptions } from "./kafka-client.ts";
export * from "./kafka-event-log.ts";
