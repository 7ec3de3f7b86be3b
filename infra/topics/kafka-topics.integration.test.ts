import { Kafka, logLevel } from "kafkajs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadConfig } from "../config/index.ts";
import { testServer, uniqueName } from "../servers/test-servers.ts";
import { declaredTopics } from "./declared-topics.ts";
import { KafkaTopicAdmin } from "./kafka-topic-admin.ts";
import { applyTopics, differencesOf } from "./topic-admin.ts";

let admin: KafkaTopicAdmin;
let brokers: string[];
const prefix = `${uniqueName("topics")}.`;

function configWith(environment: Record<string, string>) {
  const servers = {
    MILLRACE_MODE: "distributed",
    MILLRACE_S3_BUCKET: "b",
    MILLRACE_CATALOG_URI: "http://c",
    MILLRACE_REDIS_URL: "redis://r",
    MILLRACE_TRINO_URL: "http://t",
    MILLRACE_KAFKA_REPLICATION: "1",
    MILLRACE_KAFKA_TOPIC_PREFIX: prefix,
  };
  return loadConfig({ folder: import.meta.dirname, environment: { ...servers, ...environment } }).config;
}

const config = (environment: Record<string, string> = {}) =>
  configWith({ MILLRACE_KAFKA_BROKERS: brokers.join(","), ...environment });

beforeAll(async () => {
  brokers = [(await testServer("kafka")).bootstrap];
  admin = await KafkaTopicAdmin.open(config());
}, 300_000);

afterAll(async () => {
  await admin.close();
});

test("looking at topics makes Node warn of nothing", async () => {
  const warnings: string[] = [];
  const note = ({ name, message }: Error): void => void warnings.push(`${name}: ${message}`);
  process.on("warning", note);
  const alone = await KafkaTopicAdmin.open(config());
  await alone.find(declaredTopics(config()));
  await alone.close();
  process.off("warning", note);
  expect(warnings).toEqual([]);
});

test("topics are created as declared, with the settings on the broker", async () => {
  const declared = declaredTopics(config());
  const { applied, differences } = await applyTopics(declared, admin);
  expect(applied.map(({ property }) => property)).toEqual(declared.map(() => "topic"));
  expect(differences).toEqual([]);
  const found = (await admin.find(declared)).get("customer-events");
  expect(found).toMatchObject({ partitions: 2, replication: 1 });
  expect(found?.settings).toMatchObject({ "retention.ms": "604800000", "cleanup.policy": "delete" });
});

test("a setting that differs is set, what others have set stays, and partitions are only reported", async () => {
  const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING });
  const other = kafka.admin();
  await other.connect();
  await other.alterConfigs({
    validateOnly: false,
    resources: [
      {
        type: 2,
        name: `${prefix}orders`,
        configEntries: [
          { name: "retention.ms", value: "1000" },
          { name: "segment.ms", value: "7777777" },
        ],
      },
    ],
  });
  await other.createPartitions({ topicPartitions: [{ topic: `${prefix}payments`, count: 5 }] });
  await other.disconnect();

  const declared = declaredTopics(config());
  // The broker tells of a change a moment after the controller has taken it.
  await expect
    .poll(async () => {
      const found = await admin.find(declared);
      return [found.get("orders")?.settings["retention.ms"], found.get("payments")?.partitions];
    })
    .toEqual(["1000", 5]);
  const { applied, differences } = await applyTopics(declared, admin);
  expect(applied).toContainEqual(
    expect.objectContaining({ topic: `${prefix}orders`, property: "retention.ms", found: "1000" }),
  );
  expect(differences).toEqual([
    expect.objectContaining({
      topic: `${prefix}payments`,
      property: "partitions",
      declared: "2",
      found: "5",
    }),
  ]);
  expect(await differencesOf(declared, admin)).toEqual(differences);
  expect((await admin.find(declared)).get("orders")?.settings["segment.ms"]).toBe("7777777");
});

test("a broker that is not there is named, with what to do", async () => {
  await expect(
    KafkaTopicAdmin.open(configWith({ MILLRACE_KAFKA_BROKERS: "127.0.0.1:9" })),
  ).rejects.toMatchObject({
    code: "kafka-unreachable",
    retry: true,
    message: expect.stringMatching(/127\.0\.0\.1:9 does not answer.*kafkaBrokers/),
  });
});

test("more copies than brokers are refused in plain words", async () => {
  const many = config({ MILLRACE_KAFKA_REPLICATION: "3", MILLRACE_KAFKA_TOPIC_PREFIX: `${prefix}many.` });
  const open = await KafkaTopicAdmin.open(many);
  await expect(open.create(declaredTopics(many).slice(0, 1))).rejects.toThrow(/[Rr]eplication/);
  await open.close();
});
