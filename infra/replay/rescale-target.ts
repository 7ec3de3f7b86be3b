import { readdir } from "node:fs/promises";
import { isDeepStrictEqual } from "node:util";
import { contracts, MillraceError, tableName } from "../../schema/index.ts";
import type { Config, SettingKey } from "../config/index.ts";
import { type Adapters, openAdapters } from "../platform/adapters.ts";
import { lakeTables } from "../platform/lake-tables.ts";
import { SpreadNotes, type SpreadSource } from "../platform/spread-notes.ts";
import { platformTopics } from "../platform/topics.ts";
import { type DeclaredTopic, declaredTopics } from "../topics/declared-topics.ts";
import { KafkaTopicAdmin } from "../topics/kafka-topic-admin.ts";
import { applyTopics } from "../topics/topic-admin.ts";

/** By what two platforms on the same servers are told apart: each group must differ somewhere. */
const APART: readonly (readonly SettingKey[])[] = [
  ["kafkaBrokers", "kafkaTopicPrefix"],
  ["kafkaBrokers", "kafkaGroup"],
  ["s3Endpoint", "s3Bucket", "s3Prefix"],
  ["catalogUri", "catalogWarehouse", "catalogPrefix"],
  ["redisUrl", "redisPrefix"],
];

/** Where the log and the hot store of an embedded home lie, which are made before the first note. */
const EMPTY_HOME = ["log", "alerts", "hot"];

/** A platform that takes history. */
export interface RescaleTarget extends Adapters {
  readonly notes: SpreadNotes;
}

/** What two distributed platforms would share, for a person; none where they are apart. */
export function sharedBetween(one: Config, other: Config): string[] {
  return APART.filter((keys) => keys.every((key) => String(one[key]) === String(other[key]))).map(
    (keys) => `${keys.join(", ")} are those of the platform itself: the new one needs another of them`,
  );
}

/**
 * Opens a platform that takes history from this source: a new one, which gets its topics and the note that
 * it is being filled, or one that the same rescale has begun to fill.
 *
 * @throws MillraceError `rescale-target-taken` where it has anything else
 */
export async function openTarget(target: Config, source: SpreadSource): Promise<RescaleTarget> {
  const adapters = await openAdapters(target, Date.now);
  try {
    const notes = new SpreadNotes(adapters.objects);
    const begun = await notes.begun();
    if (begun !== null) assertSame(begun, source);
    if (target.mode === "embedded") await adapters.log.createTopics(platformTopics(target));
    else await createHistoryTopics(target);
    if (begun === null) {
      await assertEmpty(adapters, target.partitions);
      // A crash before leaves empty topics, which the next attempt takes as they are.
      await notes.begin(source);
    }
    return { ...adapters, notes };
  } catch (error) {
    await adapters.close();
    throw error;
  }
}

/**
 * Before anything is made in it, or done for it: the name may be mistaken.
 *
 * @throws MillraceError `rescale-target-taken` where there is anything but what a rescale begins with
 */
export async function assertNobodysFolder(home: string): Promise<void> {
  const names = await readdir(home).catch((error: NodeJS.ErrnoException): string[] => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  if (names.includes(SpreadNotes.FOLDER)) return;
  const other = names.find((name) => !EMPTY_HOME.includes(name));
  if (other !== undefined) throw taken(`${home} has ${other}`);
}

function assertSame(begun: SpreadSource, source: SpreadSource): void {
  if (begun.partitions !== source.partitions)
    throw taken(`it was begun for ${begun.partitions} partitions, not ${source.partitions}`);
  if (!isDeepStrictEqual(begun, source)) throw taken("it was begun from other records than those of now");
}

/** What it holds already would become part of its tables. */
async function assertEmpty({ log, objects, catalog }: Adapters, partitions: number): Promise<void> {
  for await (const { key } of objects.list("")) {
    // Logs and hot values of an embedded home lie beside its objects.
    if (!EMPTY_HOME.includes(key.split("/", 1)[0])) throw taken(`it has the object ${key}`);
  }
  for (const { topic } of contracts) {
    for (let partition = 0; partition < partitions; partition++) {
      const { end } = await log.offsets(topic, partition);
      if (end > 0) throw taken(`its topic ${topic} has records`);
    }
  }
  for (const table of lakeTables) {
    if ((await catalog.load(tableName(table))) !== null) throw taken(`its catalog has ${tableName(table)}`);
  }
}

function taken(why: string): MillraceError {
  return new MillraceError(
    `the new platform is not empty, nor a begun rescale of the same records: ${why}; choose a new place, or delete what is there (log, objects and tables)`,
    { code: "rescale-target-taken", origin: "user" },
  );
}

/**
 * Brings the topics of a distributed target to what is declared: from then on the brokers stamp records, and
 * drop those that are old. Only when what was put into them is processed.
 */
export async function endHistory(target: Config): Promise<void> {
  if (target.mode === "embedded") return;
  await withTopicAdmin(target, (admin) => applyTopics(topicsOf(target), admin));
}

/** Input topics that keep the times that they are given, and everything, however old; made where they are missing. */
export async function createHistoryTopics(target: Config): Promise<void> {
  const inputs = new Set(contracts.map(({ topic }) => topic));
  const declared = topicsOf(target).map((topic) => (inputs.has(topic.name) ? forHistory(topic) : topic));
  const { differences } = await withTopicAdmin(target, (admin) => applyTopics(declared, admin));
  const [other] = differences.filter(({ property }) => property === "partitions");
  if (other === undefined) return;
  throw new MillraceError(
    `${other.topic} has ${other.found} partitions, not ${other.declared}: Kafka cannot take partitions away, and keys would leave their records behind; choose another kafkaTopicPrefix for the new platform`,
    { code: "topic-mismatch", origin: "user" },
  );
}

function forHistory(topic: DeclaredTopic): DeclaredTopic {
  const config = { ...topic.config, "message.timestamp.type": "CreateTime" };
  return { ...topic, retentionMs: null, retentionBytes: null, config };
}

function topicsOf(target: Config): DeclaredTopic[] {
  return declaredTopics(target).filter(({ only }) => only === null || only === target.mode);
}

async function withTopicAdmin<T>(config: Config, use: (admin: KafkaTopicAdmin) => Promise<T>): Promise<T> {
  const admin = await KafkaTopicAdmin.open(config);
  try {
    return await use(admin);
  } finally {
    await admin.close();
  }
}
