import { afterAll, describe, expect, test } from "vitest";
import { contracts } from "../../schema/index.ts";
import { MARKS_PARTITIONS } from "../../stream/adapters/kafka/producer-marks.ts";
import { temporaryFolder } from "../../stream/adapters/testing.ts";
import { declaredTopics, readTopics, type TopicSettings } from "./declared-topics.ts";
import { LogTopicAdmin } from "./log-topic-admin.ts";
import { applyTopics, differencesOf } from "./topic-admin.ts";
import file from "./topics.json" with { type: "json" };

const PRODUCERS_TOPIC = "millrace-producers";
const settings = { partitions: 3, kafkaReplication: 1, retentionMs: 5_000, alertRetentionMs: null };

const embedded = (values: TopicSettings) => declaredTopics(values).filter(({ only }) => only === null);

describe("the topics file", () => {
  test("declares a topic for every contract, with the partitions and the retention of the settings", () => {
    const topics = declaredTopics(settings);
    for (const { topic } of contracts) {
      expect(topics.find(({ name }) => name === topic)).toMatchObject({ partitions: 3, retentionMs: 5_000 });
    }
  });

  test("gives every topic the broker's time, which is the ingest time", () => {
    for (const { config } of declaredTopics(settings))
      expect(config["message.timestamp.type"]).toBe("LogAppendTime");
  });

  test("declares the topic of producers' marks as the log on Kafka expects it", () => {
    const marks = declaredTopics(settings).find(({ name }) => name === PRODUCERS_TOPIC);
    expect(marks).toMatchObject({
      partitions: MARKS_PARTITIONS,
      cleanupPolicy: "compact",
      retentionMs: null,
    });
  });

  test("compacts nothing that is read by offset: the log's offsets are dense", () => {
    const compacted = declaredTopics(settings).filter(({ cleanupPolicy }) => cleanupPolicy === "compact");
    expect(compacted.filter(({ only }) => only !== "distributed")).toEqual([]);
  });

  test("is refused with every problem at once", () => {
    const { defaults, topics } = file;
    const [first] = topics;
    const wrong = [
      { ...first, name: "no good" },
      { ...first, partitions: "$partition", cleanupPolicy: "squeeze" },
      { ...first, retention: 1 },
    ];
    expect(() => readTopics({ defaults, topics: wrong }, settings)).toThrow(
      /no good: name must[\s\S]*cleanupPolicy[\s\S]*partitions must be a whole number from 1, or one of \$partitions[\s\S]*no member "retention"[\s\S]*declared twice/,
    );
    expect(() => readTopics([], settings)).toThrow(/expected \{ "defaults"/);
  });
});

describe("the embedded log's topics", async () => {
  const folder = await temporaryFolder();
  const admin = LogTopicAdmin.open(folder.path, () => 0);
  afterAll(async () => {
    await admin.close();
    await folder.remove();
  });

  test("are created, then as declared, and follow a changed retention", async () => {
    const declared = embedded(settings);
    expect(await differencesOf(declared, admin)).toHaveLength(declared.length);
    const first = await applyTopics(declared, admin);
    expect(first.applied.map(({ property }) => property)).toEqual(declared.map(() => "topic"));
    expect(first.differences).toEqual([]);
    const longer = embedded({ ...settings, retentionMs: 60_000 });
    const second = await applyTopics(longer, admin);
    expect(second.applied[0]).toMatchObject({ property: "retentionMs", declared: "60000", found: "5000" });
    expect(await differencesOf(longer, admin)).toEqual([]);
  });

  test("get no partitions by themselves: the difference is reported, and the rest is applied", async () => {
    const more = embedded({ ...settings, partitions: 4, retentionMs: 70_000 });
    const { applied, differences } = await applyTopics(more, admin);
    expect(applied.every(({ property }) => property === "retentionMs")).toBe(true);
    expect(differences.map(({ topic }) => topic)).toEqual(contracts.map(({ topic }) => topic));
    expect(differences[0]).toMatchObject({
      property: "partitions",
      declared: "4",
      found: "3",
      mendedByApply: false,
    });
  });
});
