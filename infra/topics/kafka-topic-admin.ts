import type { KafkaTopics } from "../../stream/adapters/kafka/index.ts";
import type { Config } from "../config/index.ts";
import type { DeclaredTopic } from "./declared-topics.ts";
import { kafkaConnection, kafkaError } from "./kafka-connection.ts";
import type { FoundTopic, TopicAdmin } from "./topic-admin.ts";

const UNLIMITED = "-1";

/** Topics of Kafka. */
export class KafkaTopicAdmin implements TopicAdmin {
  private readonly topics: KafkaTopics;
  private readonly config: Config;

  private constructor(topics: KafkaTopics, config: Config) {
    this.topics = topics;
    this.config = config;
  }

  /** Loads kafkajs, which embedded mode never does, and connects. */
  static async open(config: Config): Promise<KafkaTopicAdmin> {
    const { KafkaTopics } = await import("../../stream/adapters/kafka/index.ts");
    const connection = { ...kafkaConnection(config), clientId: "millrace", brokers: config.kafkaBrokers };
    const admin = new KafkaTopicAdmin(new KafkaTopics(connection, config.kafkaReplication), config);
    try {
      await admin.run("connecting", () => admin.topics.check());
    } catch (error) {
      await admin.close();
      throw error;
    }
    return admin;
  }

  nameOf(topic: DeclaredTopic): string {
    return `${this.config.kafkaTopicPrefix}${topic.name}`;
  }

  settingsOf(topic: DeclaredTopic): Readonly<Record<string, string>> {
    return {
      "cleanup.policy": topic.cleanupPolicy,
      "retention.ms": String(topic.retentionMs ?? UNLIMITED),
      "retention.bytes": String(topic.retentionBytes ?? UNLIMITED),
      // With three copies, one may be lost while an acknowledged record is on two.
      "min.insync.replicas": topic.replication > 2 ? "2" : "1",
      ...topic.config,
    };
  }

  find(topics: readonly DeclaredTopic[]): Promise<ReadonlyMap<string, FoundTopic>> {
    return this.run("looking at topics", async () => {
      const present = await this.topics.find(topics.map((topic) => this.nameOf(topic)));
      if (present.length === 0) return new Map();
      const settings = await this.topics.settings(present.map(({ name }) => name));
      return new Map(
        present.map(({ name, partitions }) => {
          const values = (settings.get(name) ?? []).map((entry) => [entry.name, entry.value]);
          return [
            name.slice(this.config.kafkaTopicPrefix.length),
            {
              partitions: partitions.length,
              replication: Math.min(...partitions.map(({ replicas }) => replicas)),
              settings: Object.fromEntries(values),
            },
          ];
        }),
      );
    });
  }

  create(topics: readonly DeclaredTopic[]): Promise<void> {
    const names = topics.map((topic) => this.nameOf(topic)).join(", ");
    return this.run(`creating ${names}`, () =>
      this.topics.createAll(
        topics.map((topic) => ({
          topic: this.nameOf(topic),
          numPartitions: topic.partitions,
          replicationFactor: topic.replication,
          configEntries: Object.entries(this.settingsOf(topic)).map(([name, value]) => ({ name, value })),
        })),
      ),
    );
  }

  configure(topic: DeclaredTopic): Promise<void> {
    const name = this.nameOf(topic);
    return this.run(`configuring ${name}`, () => this.topics.configure(name, this.settingsOf(topic)));
  }

  close(): Promise<void> {
    return this.topics.close();
  }

  /** Errors as those of a command: with the settings that lead to Kafka. */
  private async run<T>(doing: string, body: () => Promise<T>): Promise<T> {
    try {
      return await body();
    } catch (error) {
      const { KafkaError } = await import("../../stream/adapters/kafka/index.ts");
      throw kafkaError(error instanceof KafkaError ? (error.cause ?? error) : error, doing, this.config);
    }
  }
}
