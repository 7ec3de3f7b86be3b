import { HomeLog } from "../../stream/adapters/index.ts";
import type { EventLog, TopicSpec } from "../../stream/index.ts";
import { readyHome } from "../platform/home-folder.ts";
import { type DeclaredTopic, topicSpec } from "./declared-topics.ts";
import type { FoundTopic, TopicAdmin } from "./topic-admin.ts";

const UNLIMITED = "unlimited";

/** Topics of the embedded log, which processes share; they may run meanwhile. */
export class LogTopicAdmin implements TopicAdmin {
  private readonly log: EventLog;

  constructor(log: EventLog) {
    this.log = log;
  }

  static open(
    home: string,
    clock: () => number,
    { makesHome = true }: { readonly makesHome?: boolean } = {},
  ): LogTopicAdmin {
    readyHome(home, { makes: makesHome });
    return new LogTopicAdmin(new HomeLog(home, { clock }));
  }

  nameOf(topic: DeclaredTopic): string {
    return topic.name;
  }

  settingsOf({ retentionMs, retentionBytes }: Pick<TopicSpec, "retentionMs" | "retentionBytes">) {
    return {
      retentionMs: String(retentionMs ?? UNLIMITED),
      retentionBytes: String(retentionBytes ?? UNLIMITED),
    };
  }

  async find(topics: readonly DeclaredTopic[]): Promise<ReadonlyMap<string, FoundTopic>> {
    const names = new Set(topics.map(({ name }) => name));
    const found = (await this.log.topics()).filter(({ name }) => names.has(name));
    return new Map(
      found.map((spec) => [
        spec.name,
        { partitions: spec.partitions, replication: null, settings: this.settingsOf(spec) },
      ]),
    );
  }

  create(topics: readonly DeclaredTopic[]): Promise<void> {
    return this.log.createTopics(topics.map(topicSpec));
  }

  async configure(topic: DeclaredTopic): Promise<void> {
    // The log keeps a topic that exists, with the retention it is given now; the partitions are as found.
    const existing = (await this.log.topics()).find(({ name }) => name === topic.name);
    await this.log.createTopics([
      { ...topicSpec(topic), partitions: existing?.partitions ?? topic.partitions },
    ]);
  }

  close(): Promise<void> {
    return this.log.close();
  }
}
