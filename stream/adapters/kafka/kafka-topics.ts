import { setTimeout as sleep } from "node:timers/promises";
import kafkajs, { type ITopicConfig } from "kafkajs";
import { MillraceError } from "../../../schema/index.ts";
import type { TopicSpec } from "../../ports/event-log.ts";
import { KafkaClient, type KafkaConnectionOptions } from "./kafka-client.ts";
import { protocolError } from "./kafkajs-internals.ts";
import type { TopicMetadata } from "./metadata-request.ts";

// kafkajs is CommonJS: Node sees not all of its names.
const { ConfigResourceTypes } = kafkajs;

/** Largest record batch that topics of ours take; the broker's default is 1 MB. */
const MESSAGE_BYTES_MAX = 16 << 20;
const UNKNOWN_TOPIC = 3;
/** Kafka's number for a value that was set on the topic itself. */
const SET_ON_TOPIC = 1;
/** How often, and how many times, it is looked whether a new topic has leaders: a busy broker tells of it late. */
const LOOK_EVERY_MS = 100;
const LOOKS_MAX = 300;

export interface TopicSetting {
  readonly name: string;
  readonly value: string;
  /** Set on the topic itself. */
  readonly isOwn: boolean;
}

/**
 * Topics of a cluster. kafkajs' admin client would ask for all topics before it does anything, and fail where a
 * partition of anybody's has no leader.
 */
export class KafkaTopics {
  private readonly client: KafkaClient;
  private readonly replicationFactor: number;

  constructor(connection: KafkaConnectionOptions, replicationFactor: number) {
    this.client = new KafkaClient(connection);
    this.replicationFactor = replicationFactor;
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
    return this.client.run("listing topics", async () => {
      const { topics } = await this.client.metadata("all");
      const names = topics.map(({ name }) => name).filter((name) => !name.startsWith("__"));
      if (names.length === 0) return [];
      const configNames = ["retention.ms", "retention.bytes"];
      const { resources } = await (await this.client.controller()).describeConfigs({
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

  /** Resolves when Kafka answers. */
  async check(): Promise<void> {
    await this.client.run("connecting", () => this.client.metadata([]));
  }

  /** Those of the topics that there are. */
  find(names: readonly string[]): Promise<readonly TopicMetadata[]> {
    return this.client.run("looking at topics", () => this.there(names));
  }

  /** Creates topics that were not there, as they are given, and waits until each of their partitions has a leader. */
  createAll(topics: readonly ITopicConfig[]): Promise<void> {
    return this.client.run(`creating ${topics.map(({ topic }) => topic).join(", ")}`, () =>
      this.createNew(topics),
    );
  }

  /** All settings of each topic, the broker's defaults among them. */
  settings(names: readonly string[]): Promise<ReadonlyMap<string, readonly TopicSetting[]>> {
    return this.client.run("looking at settings", async () => {
      const { resources } = await (await this.client.controller()).describeConfigs({
        includeSynonyms: false,
        resources: names.map((name) => ({ type: ConfigResourceTypes.TOPIC, name })),
      });
      return new Map(
        resources.map(({ resourceName, configEntries }) => [
          resourceName,
          configEntries.map(({ configName: name, configValue: value, configSource }) => ({
            ...{ name, value },
            isOwn: configSource === SET_ON_TOPIC,
          })),
        ]),
      );
    });
  }

  /** Sets what is given, and leaves what others have set on the topic. */
  async configure(name: string, values: Readonly<Record<string, string>>): Promise<void> {
    const own = ((await this.settings([name])).get(name) ?? []).filter(({ isOwn }) => isOwn);
    // The request replaces all that is set on the topic.
    const all = { ...Object.fromEntries(own.map((entry) => [entry.name, entry.value])), ...values };
    const configEntries = Object.entries(all).map(([key, value]) => ({ name: key, value }));
    const resources = [{ type: ConfigResourceTypes.TOPIC, name, configEntries }];
    await this.client.run(`configuring ${name}`, async () =>
      (await this.client.controller()).alterConfigs({ validateOnly: false, resources }),
    );
  }

  async close(): Promise<void> {
    this.client.close();
  }

  private async createMissing(
    topics: readonly (ITopicConfig & { readonly numPartitions: number })[],
  ): Promise<void> {
    const names = topics.map(({ topic }) => topic);
    await this.client.run(`creating ${names.join(", ")}`, async () => {
      const there = new Set((await this.there(names)).map(({ name }) => name));
      const missing = topics.filter(({ topic }) => !there.has(topic));
      // Another process may create them at the same time: what counts is what is there afterwards.
      if (missing.length > 0) await this.createNew(missing);
      for (const { name, partitions } of await this.there(names))
        assertPartitions(name, partitions.length, topics.find(({ topic }) => topic === name)?.numPartitions);
    });
  }

  private async there(names: readonly string[]): Promise<TopicMetadata[]> {
    const { topics } = await this.client.metadata(names);
    for (const { errorCode } of topics)
      if (errorCode !== 0 && errorCode !== UNKNOWN_TOPIC) throw protocolError(errorCode);
    return topics.filter(({ errorCode }) => errorCode === 0);
  }

  private async createNew(topics: readonly ITopicConfig[]): Promise<void> {
    try {
      await (await this.client.controller()).createTopics({ topics });
    } catch (error) {
      const { errors } = error as { errors?: readonly { readonly type?: string }[] };
      const failed = errors?.find(({ type }) => type !== "TOPIC_ALREADY_EXISTS");
      if (errors === undefined || failed !== undefined) throw failed ?? error;
    }
    for (let look = 1; !(await this.haveLeaders(topics)); look++) {
      if (look === LOOKS_MAX)
        throw new MillraceError("a new topic has no leader yet; try again when all brokers run", {
          code: "kafka-failed",
          origin: "external",
        });
      await sleep(LOOK_EVERY_MS);
    }
  }

  private async haveLeaders(topics: readonly ITopicConfig[]): Promise<boolean> {
    const { topics: found } = await this.client.metadata(topics.map(({ topic }) => topic));
    return found.every(
      ({ errorCode, partitions }) => errorCode === 0 && partitions.every(({ leader }) => leader >= 0),
    );
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
