import { MillraceError } from "../../schema/index.ts";
import type { Config } from "../config/index.ts";
import { declaredTopics } from "../topics/declared-topics.ts";
import { KafkaTopicAdmin } from "../topics/kafka-topic-admin.ts";
import { applyTopics, differencesOf, type TopicDifference } from "../topics/topic-admin.ts";

/**
 * Creates the topics of a platform that has none yet. One that is missing later was deleted, or the
 * address leads to another Kafka: made anew and empty, it would hide that, so it is told with code
 * `topic-missing`. Partition counts must be as configured (`topic-mismatch`): they are the tasks.
 */
export async function prepareTopics(config: Config, mayCreate: boolean): Promise<void> {
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
    if (other === undefined) return;
    throw new MillraceError(
      `${where} has topic ${other.topic} with ${other.found} partitions, not ${other.declared}: ${other.advice}`,
      { code: "topic-mismatch", origin: "user" },
    );
  } finally {
    await admin.close();
  }
}
