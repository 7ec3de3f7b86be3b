import { customerEventContract } from "../../schema/index.ts";
import { KafkaGroupOwners, KafkaTaskGroup } from "../../stream/adapters/kafka/index.ts";
import type { TaskMembership } from "../../stream/index.ts";
import type { Config } from "../config/index.ts";
import { kafkaConnection } from "../topics/kafka-connection.ts";

/** The workers' group; committed offsets have a group of their own, since one with members takes them from these alone. */
const groupOf = (config: Config): string => `${config.kafkaGroup}-workers`;
const topicOf = (config: Config): string => `${config.kafkaTopicPrefix}${customerEventContract.topic}`;

const workerConnection = (config: Config, clientId: string) => ({
  ...kafkaConnection(config),
  brokers: config.kafkaBrokers,
  clientId,
});

/** Joins the workers that divide the tasks of the platform among themselves. */
export function joinWorkers(config: Config, warn: (message: string) => void): TaskMembership {
  const group = new KafkaTaskGroup({
    connection: workerConnection(config, "millrace-worker"),
    sessionTimeoutMs: config.kafkaSessionTimeoutMs,
    warn: ({ message }) => warn(message),
  });
  return group.join({ group: groupOf(config), topic: topicOf(config), partitions: config.partitions });
}

/** Who has which partition now, as the group's coordinator says. */
export class WorkerGroup {
  private readonly config: Config;
  private readonly owners: KafkaGroupOwners;

  constructor(config: Config) {
    this.config = config;
    this.owners = new KafkaGroupOwners(workerConnection(config, "millrace"));
  }

  /** Partitions that a live worker has; none while the group changes. */
  ownedPartitions(): Promise<readonly number[]> {
    return this.owners.ownedPartitions(groupOf(this.config), topicOf(this.config));
  }

  close(): void {
    this.owners.close();
  }
}
