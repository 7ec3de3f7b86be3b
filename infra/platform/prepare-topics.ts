import { MillraceError } from "../../schema/index.ts";
import type { Config } from "../config/index.ts";
import { declaredTopics } from "../topics/declared-topics.ts";
import { KafkaTopicAdmin } from "../topics/kafka-topic-admin.ts";
import { applyTopics, differencesOf, type TopicDifference } from "../topics/topic-admin.ts";

/**
 * Creates the topics of a platform that has none yet. One that is missing later was deleted, or the
 * address leads to another Kafka: made anew and empty, it would hide that, so it is told with code
 * `topic-missing`. Partition counts must be as configured (`topic-mismatch`): they are the tasks. Other
 * settings may be somebody's decision, but records can be lost by them: `warn` hears of those that differ.
 */
export async function prepareTopics(
  config: Config,
  mayCreate: boolean,
  warn: (message: string) => void = () => undefined,
): Promise<void> {
  const declared = declaredTopics(config).filter(({ only }) => only === null || only === config.mode);
  const admin = await KafkaTopicAdmin.open(config);
  try {
    let differences: readonly TopicDifference[] = await differencesOf(declared, admin);
    const missing = differences.filter(({ property }) => property === "topic");
    if (mayCreate && missing.length === declared.length)
      differences = (await applyTopics(declared, admin)).differences;
    const where = `Kafka at ${config.kafkaBrokers.join(", ")}`;
    const absent = differences.filter(({ property }) => property === "topic").map(({ topic }) => topic);
    if (absent.length > 0) {
      throw new MillraceError(
        `${where} has no topic ${absent.join(", ")}: run millrace topics apply, or check kafkaBrokers and kafkaTopicPrefix`,
        { code: "topic-missing", origin: "user", retry: !mayCreate },
      );
    }
    const [other] = differences.filter(({ property }) => property === "partitions");
    for (const each of differences) if (each !== other) warn(differenceText(each));
    if (other === undefined) return;
    throw new MillraceError(
      `${where} has topic ${other.topic} with ${other.found} partitions, not ${other.declared}: ${other.advice}`,
      { code: "topic-mismatch", origin: "user" },
    );
  } finally {
    await admin.close();
  }
}

function differenceText({ topic, property, found, declared, advice }: TopicDifference): string {
  const risk = RISKS.get(property);
  const why = risk === undefined ? "" : `, ${risk}`;
  return `topic ${topic} has ${property}=${found}, not ${declared}${why}: ${advice}, or change what is declared`;
}

/** What a setting of Kafka does to a topic of ours that was not meant for it. */
const RISKS = new Map([
  ["cleanup.policy", "by which Kafka may remove records that were not processed"],
  ["retention.ms", "after which Kafka removes records, processed or not"],
  ["retention.bytes", "above which Kafka removes records, processed or not"],
  ["message.timestamp.type", "so that a producer's clock decides about lateness and order"],
  ["max.message.bytes", "above which Kafka refuses records"],
]);
