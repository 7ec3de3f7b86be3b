import type { Admin, ITopicConfig } from "kafkajs";
import type { Config } from "../config/index.ts";
import type { DeclaredTopic } from "./declared-topics.ts";
import { kafkaConnection, kafkaError } from "./kafka-connection.ts";
import type { FoundTopic, TopicAdmin } from "./topic-admin.ts";

const UNLIMITED = "-1";
/** Kafka's own numbers: a topic's configuration, and a value that was set on the topic itself. */
const TOPIC_RESOURCE = 2;
const SET_ON_TOPIC = 1;
const CONNECT = { retries: 4, initialRetryTime: 200, maxRetryTime: 2_000 };

/** Topics of Kafka. */
export class KafkaTopicAdmin implements TopicAdmin {
  private readonly admin: Admin;
  private readonly config: Config;
  private readonly createAll: (topics: readonly ITopicConfig[]) => Promise<void>;

  private constructor(admin: Admin, config: Config, createAll: KafkaTopicAdmin["createAll"]) {
    this.admin = admin;
    this.config = config;
    this.createAll = createAll;
  }

  /** Loads kafkajs, which embedded mode never does, and connects. */
  static async open(config: Config): Promise<KafkaTopicAdmin> {
    const { createAdmin, createTopics } = await import("../../stream/adapters/kafka/index.ts");
    const admin = createAdmin({ ...kafkaConnection(config), retry: CONNECT });
    try {
      await admin.connect();
    } catch (error) {
      await admin.disconnect().catch(() => undefined);
      throw kafkaError(error, "connecting", config);
    }
    return new KafkaTopicAdmin(admin, config, (topics) => createTopics(admin, topics));
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
      const existing = new Set(await this.admin.listTopics());
      const present = topics.filter((topic) => existing.has(this.nameOf(topic)));
      if (present.length === 0) return new Map();
      const names = present.map((topic) => this.nameOf(topic));
      const { topics: metadata } = await this.admin.fetchTopicMetadata({ topics: names });
      const settings = await this.settings(names);
      return new Map(
        present.map((topic) => {
          const name = this.nameOf(topic);
          const partitions = metadata.find((candidate) => candidate.name === name)?.partitions ?? [];
          const replication = Math.min(...partitions.map(({ replicas }) => replicas.length));
          const values = (settings.get(name) ?? []).map((entry) => [entry.name, entry.value]);
          return [
            topic.name,
            { partitions: partitions.length, replication, settings: Object.fromEntries(values) },
          ];
        }),
      );
    });
  }

  create(topics: readonly DeclaredTopic[]): Promise<void> {
    const names = topics.map((topic) => this.nameOf(topic)).join(", ");
    return this.run(`creating ${names}`, () =>
      this.createAll(
        topics.map((topic) => ({
          topic: this.nameOf(topic),
          numPartitions: topic.partitions,
          replicationFactor: topic.replication,
          configEntries: entries(this.settingsOf(topic)),
        })),
      ),
    );
  }

  configure(topic: DeclaredTopic): Promise<void> {
    const name = this.nameOf(topic);
    return this.run(`configuring ${name}`, async () => {
      // This request replaces all that is set on the topic: what others have set is sent along.
      const set = ((await this.settings([name])).get(name) ?? []).filter(
        ({ source }) => source === SET_ON_TOPIC,
      );
      const values = {
        ...Object.fromEntries(set.map((entry) => [entry.name, entry.value])),
        ...this.settingsOf(topic),
      };
      await this.admin.alterConfigs({
        validateOnly: false,
        resources: [{ type: TOPIC_RESOURCE, name, configEntries: entries(values) }],
      });
    });
  }

  close(): Promise<void> {
    return this.admin.disconnect();
  }

  private async settings(names: readonly string[]): Promise<ReadonlyMap<string, readonly TopicSetting[]>> {
    const { resources } = await this.admin.describeConfigs({
      includeSynonyms: false,
      resources: names.map((name) => ({ type: TOPIC_RESOURCE, name })),
    });
    return new Map(
      resources.map(({ resourceName, configEntries }) => [
        resourceName,
        configEntries.map(({ configName, configValue, configSource }) => ({
          name: configName,
          value: configValue,
          source: configSource,
        })),
      ]),
    );
  }

  private async run<T>(doing: string, body: () => Promise<T>): Promise<T> {
    try {
      return await body();
    } catch (error) {
      throw kafkaError(error, doing, this.config);
    }
  }
}

interface TopicSetting {
  readonly name: string;
  readonly value: string;
  readonly source: number;
}

function entries(values: Readonly<Record<string, string>>): { name: string; value: string }[] {
  return Object.entries(values).map(([name, value]) => ({ name, value }));
}
