import kafkajs, { type Admin } from "kafkajs";
import { customerEventContract } from "../../schema/index.ts";
import { createAdmin, KafkaTaskGroup } from "../../stream/adapters/kafka/index.ts";
import type { TaskMembership } from "../../stream/index.ts";
import type { Config } from "../config/index.ts";
import { kafkaConnection } from "../topics/kafka-connection.ts";

/** The workers' group; committed offsets have a group of their own, since one with members takes them from these alone. */
const groupOf = (config: Config): string => `${config.kafkaGroup}-workers`;
const topicOf = (config: Config): string => `${config.kafkaTopicPrefix}${customerEventContract.topic}`;

/** Joins the workers that divide the tasks of the platform among themselves. */
export function joinWorkers(config: Config, warn: (message: string) => void): TaskMembership {
  const group = new KafkaTaskGroup({
    connection: { ...kafkaConnection(config), brokers: config.kafkaBrokers, clientId: "millrace-worker" },
    sessionTimeoutMs: config.kafkaSessionTimeoutMs,
    warn: ({ message }) => warn(message),
  });
  return group.join({ group: groupOf(config), topic: topicOf(config), partitions: config.partitions });
}

/** Who has which partition now, as the group's coordinator says. */
export class WorkerGroup {
  private readonly config: Config;
  private admin: Promise<Admin> | null = null;

  constructor(config: Config) {
    this.config = config;
  }

  /** Partitions that a live worker has; none while the group changes. */
  async ownedPartitions(): Promise<readonly number[]> {
    this.admin ??= this.connect();
    const { groups } = await (await this.admin).describeGroups([groupOf(this.config)]);
    return groups.flatMap(({ members }) =>
      members.flatMap((member) => this.partitionsOf(member.memberAssignment)),
    );
  }

  async close(): Promise<void> {
    await (await this.admin?.catch(() => null))?.disconnect();
  }

  private async connect(): Promise<Admin> {
    const admin = createAdmin(kafkaConnection(this.config));
    try {
      await admin.connect();
      return admin;
    } catch (error) {
      this.admin = null;
      throw error;
    }
  }

  private partitionsOf(assignment: Buffer): readonly number[] {
    if (assignment.length === 0) return [];
    const decoded = kafkajs.AssignerProtocol.MemberAssignment.decode(assignment);
    return decoded?.assignment[topicOf(this.config)] ?? [];
  }
}
