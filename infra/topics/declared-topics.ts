import { MillraceError } from "../../schema/index.ts";
import type { TopicSpec } from "../../stream/index.ts";
import type { Config } from "../config/index.ts";
import file from "./topics.json" with { type: "json" };

/** A topic as it should be; the numbers of `topics.json` that name a setting are filled in. */
export interface DeclaredTopic {
  readonly name: string;
  readonly doc: string;
  readonly partitions: number;
  /** Copies of every partition; the embedded log has one whatever stands here. */
  readonly replication: number;
  /** Age at which records may be dropped, ms; null keeps them. */
  readonly retentionMs: number | null;
  /** Size of a partition above which the oldest records are dropped; null keeps them. */
  readonly retentionBytes: number | null;
  /** `compact` keeps the newest record of each key instead. */
  readonly cleanupPolicy: "delete" | "compact";
  /** `distributed`: the embedded log does without this topic. */
  readonly only: "distributed" | null;
  /** Further topic settings of Kafka, under its own names. */
  readonly config: Readonly<Record<string, string>>;
}

/** The settings that `topics.json` may name, with a `$` before the name. */
export type TopicSettings = Pick<Config, "partitions" | "kafkaReplication"> & {
  readonly retentionMs: number | null;
  readonly alertRetentionMs: number | null;
};

/** Every topic of the platform, as `topics.json` declares it: the one place where topics are listed. */
export function declaredTopics(settings: TopicSettings): DeclaredTopic[] {
  return readTopics(file, settings);
}

/** The topic in the terms of the log's port. */
export function topicSpec({ name, partitions, retentionMs, retentionBytes }: DeclaredTopic): TopicSpec {
  return { name, partitions, retentionMs, retentionBytes };
}

const MEMBERS = new Set([
  "name",
  "doc",
  "partitions",
  "replication",
  "retentionMs",
  "retentionBytes",
  "cleanupPolicy",
  "only",
  "config",
]);
/** What Kafka takes as a name. */
const NAME = /^[a-zA-Z0-9._-]{1,249}$/;

/** Throws `invalid-topics` with every problem of the file at once. */
export function readTopics(content: unknown, settings: TopicSettings): DeclaredTopic[] {
  const problems: string[] = [];
  const entries = isObject(content) && Array.isArray(content.topics) ? content.topics : null;
  if (entries === null) problems.push('expected { "defaults": { … }, "topics": [ … ] }');
  const defaults = isObject(content) && isObject(content.defaults) ? content.defaults : {};
  const topics = (entries ?? []).map((entry: unknown, index) => {
    const members = { ...defaults, ...(isObject(entry) ? entry : {}) };
    return new TopicEntry(members, settings, `topic ${members.name ?? index + 1}`, problems).read();
  });
  const names = topics.map(({ name }) => name);
  const repeated = names.filter((name, index) => names.indexOf(name) !== index);
  if (repeated.length > 0) problems.push(`declared twice: ${repeated.join(", ")}`);
  if (problems.length > 0) {
    throw new MillraceError(`the topics file is not valid:\n${problems.map((p) => `  - ${p}`).join("\n")}`, {
      code: "invalid-topics",
      origin: "user",
    });
  }
  return topics;
}

/** Reads one entry; what is wrong goes to `problems`, and a stand-in is returned. */
class TopicEntry {
  private readonly members: Readonly<Record<string, unknown>>;
  private readonly settings: TopicSettings;
  private readonly where: string;
  private readonly problems: string[];

  constructor(
    members: Readonly<Record<string, unknown>>,
    settings: TopicSettings,
    where: string,
    problems: string[],
  ) {
    this.members = members;
    this.settings = settings;
    this.where = where;
    this.problems = problems;
  }

  read(): DeclaredTopic {
    const { name, doc, cleanupPolicy, only = null, config = {} } = this.members;
    for (const member of Object.keys(this.members)) {
      if (!MEMBERS.has(member)) this.problem(`there is no member ${JSON.stringify(member)}`);
    }
    if (typeof name !== "string" || !NAME.test(name))
      this.problem("name must be 1 to 249 of a-z, 0-9, ., _, -");
    if (typeof doc !== "string" || doc === "") this.problem("doc must say what the topic carries");
    if (cleanupPolicy !== "delete" && cleanupPolicy !== "compact")
      this.problem("cleanupPolicy must be delete or compact");
    if (only !== null && only !== "distributed") this.problem("only must be distributed, or left out");
    if (!isObject(config) || Object.values(config).some((value) => typeof value !== "string"))
      this.problem("config must hold texts");
    return {
      name: String(name),
      doc: String(doc),
      partitions: this.count("partitions") ?? 1,
      replication: this.count("replication") ?? 1,
      retentionMs: this.countOrNull("retentionMs"),
      retentionBytes: this.countOrNull("retentionBytes"),
      cleanupPolicy: cleanupPolicy as DeclaredTopic["cleanupPolicy"],
      only: only as DeclaredTopic["only"],
      config: config as DeclaredTopic["config"],
    };
  }

  private countOrNull(member: string): number | null {
    if (this.members[member] === undefined) this.problem(`${member} is missing; null keeps everything`);
    return this.valueOf(member) === null ? null : this.count(member);
  }

  private count(member: string): number | null {
    const value = this.valueOf(member);
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= 1) return value;
    this.problem(`${member} must be a whole number from 1, or one of ${this.known()}`);
    return null;
  }

  private valueOf(member: string): unknown {
    const value = this.members[member];
    const setting = typeof value === "string" && value.startsWith("$") ? value.slice(1) : null;
    return setting === null ? value : this.settings[setting as keyof TopicSettings];
  }

  private known(): string {
    return Object.keys(this.settings)
      .map((key) => `$${key}`)
      .join(", ");
  }

  private problem(text: string): void {
    this.problems.push(`${this.where}: ${text}`);
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
