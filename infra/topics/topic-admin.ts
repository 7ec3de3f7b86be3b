import type { DeclaredTopic } from "./declared-topics.ts";

/** A topic as it is. */
export interface FoundTopic {
  readonly partitions: number;
  /** Copies of its least copied partition; null where the log knows no copies. */
  readonly replication: number | null;
  /** Its settings by name; more than those that are declared may be here. */
  readonly settings: Readonly<Record<string, string>>;
}

/** Topics of a log of either mode: looked at, created, configured. */
export interface TopicAdmin {
  /** Name of the topic in the log. */
  nameOf(topic: DeclaredTopic): string;
  /** The settings that the topic should have, by the log's own names. */
  settingsOf(topic: DeclaredTopic): Readonly<Record<string, string>>;
  /** Those of the topics that exist, by declared name. */
  find(topics: readonly DeclaredTopic[]): Promise<ReadonlyMap<string, FoundTopic>>;
  create(topics: readonly DeclaredTopic[]): Promise<void>;
  /** Gives the topic, which exists, the settings that it should have; its other settings stay. */
  configure(topic: DeclaredTopic): Promise<void>;
  close(): Promise<void>;
}

export interface TopicDifference {
  readonly topic: string;
  /** `topic`, `partitions`, `replication` or the name of a setting. */
  readonly property: string;
  readonly declared: string;
  /** Null where there is nothing. */
  readonly found: string | null;
  /** Whether `millrace topics apply` mends it, and else what to do. */
  readonly mendedByApply: boolean;
  readonly advice: string;
}

/** Where the log differs from what is declared. Topics that are not declared are not looked at. */
export async function differencesOf(
  declared: readonly DeclaredTopic[],
  admin: TopicAdmin,
): Promise<TopicDifference[]> {
  const found = await admin.find(declared);
  return declared.flatMap((topic) => differences(topic, found.get(topic.name), admin));
}

const APPLY = "run millrace topics apply";

function differences(
  topic: DeclaredTopic,
  found: FoundTopic | undefined,
  admin: TopicAdmin,
): TopicDifference[] {
  const name = admin.nameOf(topic);
  if (found === undefined) {
    return [
      { topic: name, property: "topic", declared: "exists", found: null, mendedByApply: true, advice: APPLY },
    ];
  }
  const different: TopicDifference[] = [];
  if (found.partitions !== topic.partitions) {
    different.push({
      topic: name,
      property: "partitions",
      declared: String(topic.partitions),
      found: String(found.partitions),
      mendedByApply: false,
      // A key would change its partition, and so the task that holds its state.
      advice: `where the setting was changed, set it back to ${found.partitions}; where partitions were added to the topic, which cannot be undone, fill a new platform by millrace rescale: keys have left their state`,
    });
  }
  if (found.replication !== null && found.replication !== topic.replication) {
    different.push({
      topic: name,
      property: "replication",
      declared: String(topic.replication),
      found: String(found.replication),
      mendedByApply: false,
      advice: "move its partitions with kafka-reassign-partitions, or set kafkaReplication to what is there",
    });
  }
  for (const [setting, value] of Object.entries(admin.settingsOf(topic))) {
    const is = found.settings[setting] ?? null;
    if (is !== value) {
      different.push({
        topic: name,
        property: setting,
        declared: value,
        found: is,
        mendedByApply: true,
        advice: APPLY,
      });
    }
  }
  return different;
}

export interface AppliedTopics {
  /** What was mended. */
  readonly applied: readonly TopicDifference[];
  /** What was not, and needs a decision. */
  readonly differences: readonly TopicDifference[];
}

/**
 * Creates topics that are missing and settings that differ. Never adds partitions or copies: those are
 * reported. A crash leaves some of it done; the next run does the rest.
 */
export async function applyTopics(
  declared: readonly DeclaredTopic[],
  admin: TopicAdmin,
): Promise<AppliedTopics> {
  const before = await differencesOf(declared, admin);
  const mendable = before.filter(({ mendedByApply }) => mendedByApply);
  const concerned = (property: (name: string) => boolean) => (topic: DeclaredTopic) =>
    mendable.some((difference) => difference.topic === admin.nameOf(topic) && property(difference.property));
  const missing = declared.filter(concerned((property) => property === "topic"));
  if (missing.length > 0) await admin.create(missing);
  for (const topic of declared.filter(concerned((property) => property !== "topic"))) {
    await admin.configure(topic);
  }
  const differences = await differencesOf(declared, admin);
  const remains = new Set(differences.map(({ topic, property }) => `${topic} ${property}`));
  return {
    applied: mendable.filter(({ topic, property }) => !remains.has(`${topic} ${property}`)),
    differences,
  };
}
