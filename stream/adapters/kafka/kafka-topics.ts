import kafkajs, { type Admin, type ITopicConfig } from "kafkajs";
import { MillraceError } from "../../../schema/index.ts";
import type { TopicSpec } from "../../ports/event-log.ts";
import { createTopics } from "./create-topics.ts";
import type { KafkaConnectionOptions } from "./kafka-client.ts";
import { asKafkaError } from "./kafka-errors.ts";
import { createAdmin } from "./kafkajs-internals.ts";

// kafkajs is CommonJS: Node sees not all of its names.
const { ConfigResourceTypes } = kafkajs;

/** Largest record batch that topics of ours take; the broker's default is 1 MB. */
const MESSAGE_BYTES_MAX = 16 << 20;
const CONNECT_TIMEOUT_MS = 5000;

/** Topics of a cluster, through kafkajs' admin client. */
export class KafkaTopics {
  private readonly connection: KafkaConnectionOptions;
  private readonly replicationFactor: number;
  private readonly admin: Admin;
  private connected: Promise<void> | null = null;

  constructor(connection: KafkaConnectionOptions, replicationFactor: number) {
    this.connection = connection;
    this.replicationFactor = replicationFactor;
    this.admin = createAdmin({
      ...connection,
      brokers: [...connection.brokers],
      connectionTimeout: CONNECT_TIMEOUT_MS,
      retry: { retries: 5, initialRetryTime: 50, maxRetryTime: 1000 },
    });
  }

  /** @throws MillraceError `topic-mismatch` where a topic has another number of partitions */
  async create(specs: readonly TopicSpec[]): Promise<void> {
    const { replicationFactor } = this;
    const topics = specs.map(({ name, partitions, retentionMs, retentionBytes }) => ({
      topic: name,
      numPartitions: partitions,
      replicationFactor,
      configEntries: [
        { name: "retention.ms", value: String(retentionMs ?? -1) },
        { name: "retention.bytes", value: String(retentionBytes ?? -1) },
        ...OWN_CONFIG,
      ],
    }));
    await this.createMissing(topics);
  }

  /** One record a key is kept, the last. */
  async createCompacted(name: string, partitions: number): Promise<void> {
    const { replicationFactor } = this;
    const configEntries = [{ name: "cleanup.policy", value: "compact" }, ...OWN_CONFIG];
    await this.createMissing([{ topic: name, numPartitions: partitions, replicationFactor, configEntries }]);
  }

  /** Without Kafka's own topics. */
  async list(): Promise<TopicSpec[]> {
    return this.run("listing topics", async () => {
      const { topics } = await this.admin.fetchTopicMetadata();
      const names = topics.map(({ name }) => name).filter((name) => !name.startsWith("__"));
      if (names.length === 0) return [];
      const configNames = ["retention.ms", "retention.bytes"];
      const { resources } = await this.admin.describeConfigs({
        includeSynonyms: false,
        resources: names.map((name) => ({ type: ConfigResourceTypes.TOPIC, name, configNames })),
      });
      return resources.map(({ resourceName, configEntries }) => ({
        name: resourceName,
        partitions: topics.find(({ name }) => name === resourceName)?.partitions.length ?? 0,
        retentionMs: limitOf(configEntries, "retention.ms"),
        retentionBytes: limitOf(configEntries, "retention.bytes"),
      }));
    });
  }

  /** Also behind a call that failed, which may have left a connection. */
  async close(): Promise<void> {
    await this.admin.disconnect().catch(() => undefined);
  }

  private async createMissing(
    topics: readonly (ITopicConfig & { readonly numPartitions: number })[],
  ): Promise<void> {
    const what = `creating ${topics.map(({ topic }) => topic).join(", ")}`;
    await this.run(what, async () => {
      const there = new Set(await this.admin.listTopics());
      const missing = topics.filter(({ topic }) => !there.has(topic));
      // Another process may create them at the same time: what counts is what is there afterwards.
      if (missing.length > 0) await createTopics(this.admin, missing);
      const { topics: found } = await this.admin.fetchTopicMetadata({
        topics: topics.map(({ topic }) => topic),
      });
      for (const { name, partitions } of found)
        assertPartitions(name, partitions.length, topics.find(({ topic }) => topic === name)?.numPartitions);
    });
  }

  private async run<T>(what: string, body: () => Promise<T>): Promise<T> {
    try {
      this.connected ??= this.admin.connect();
      await this.connected;
      return await body();
    } catch (error) {
      this.connected = null;
      throw asKafkaError(error, what, this.connection.brokers);
    }
  }
}

const OWN_CONFIG = [
  { name: "max.message.bytes", value: String(MESSAGE_BYTES_MAX) },
  // The broker's clock is the ingest time, and the order over topics.
  { name: "message.timestamp.type", value: "LogAppendTime" },
];

function limitOf(
  entries: readonly { configName: string; configValue: string }[],
  name: string,
): number | null {
  const value = Number(entries.find(({ configName }) => configName === name)?.configValue ?? -1);
  return value < 0 ? null : value;
}

function assertPartitions(name: string, there: number, wanted: number | undefined): void {
  if (there === wanted) return;
  throw new MillraceError(
    `topic ${name} has ${there} partitions, not ${wanted}; keep the number, or take another topic`,
    { code: "topic-mismatch", origin: "user" },
  );
}
