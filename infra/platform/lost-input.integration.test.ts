import kafkajs, { type Admin } from "kafkajs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Config } from "../config/index.ts";
import { distributedConfig } from "../scenarios/testing/distributed-config.ts";
import { WorkerChild } from "../scenarios/testing/distributed-run.ts";
import { type OwnCatalog, startOwnCatalog } from "../servers/own-catalog.ts";
import { uniqueName } from "../servers/test-servers.ts";
import { declaredTopics } from "../topics/declared-topics.ts";
import { KafkaTopicAdmin } from "../topics/kafka-topic-admin.ts";
import { applyTopics } from "../topics/topic-admin.ts";
import { committed } from "./input-ends.ts";
import { Platform } from "./platform.ts";
import { prepareTopics } from "./prepare-topics.ts";
import { appendPageViews } from "./testing/page-views.ts";

const SHARED = ["kafka", "minio", "redis"] as const;
const POLL = { timeout: 60_000, interval: 100 };
const TOPIC = "customer-events";
/** Four workers start one after another, of which one gives up after six tries. */
const TEST_MS_MAX = 300_000;

describe("a worker whose input topic was deleted and made again", () => {
  let config: Config;
  let catalog: OwnCatalog;
  let platform: Platform;
  let admin: Admin;
  let worker: WorkerChild | null;
  let warnings: string[];
  beforeEach(async () => {
    catalog = await startOwnCatalog(SHARED);
    config = distributedConfig("unused", uniqueName("lost"), catalog.connections, {
      trinoUrl: "http://127.0.0.1:1",
      partitions: 1,
      workers: 0,
      checkpointIntervalMs: 300,
    });
    warnings = [];
    const warn = (_: object, message: string): void => void warnings.push(message);
    platform = await Platform.open(config, { info: () => undefined, warn, error: () => undefined });
    admin = new kafkajs.Kafka({
      brokers: [...config.kafkaBrokers],
      logLevel: kafkajs.logLevel.NOTHING,
    }).admin();
    await admin.connect();
    worker = null;
  });
  afterEach(async () => {
    worker?.signal("SIGKILL");
    await worker?.ended;
    await admin.disconnect();
    await catalog.remove();
    await platform.close();
  });

  async function processed(): Promise<void> {
    const { end } = await platform.log.offsets(TOPIC, 0);
    await committed(platform.log, config.kafkaGroup, [{ topic: TOPIC, partition: 0, offset: end }]);
  }

  const task = async () => {
    await platform.refreshTasks();
    return platform.tasks().find(({ taskId }) => taskId === "events-0");
  };

  async function makeAgain(): Promise<void> {
    const topic = `${config.kafkaTopicPrefix}${TOPIC}`;
    await admin.deleteTopics({ topics: [topic] });
    await expect.poll(async () => (await admin.listTopics()).includes(topic), POLL).toBe(false);
    // As `millrace topics apply` does.
    const topics = await KafkaTopicAdmin.open(config);
    await applyTopics(declaredTopics(config), topics);
    await topics.close();
  }

  it(
    "stops and says so, and goes on from the new one's first record where it may skip",
    async () => {
      worker = new WorkerChild(config, "");
      await worker.ready;
      await appendPageViews(platform.log, 0, 10);
      await processed();
      worker.signal("SIGTERM");
      await worker.ended;
      const before = await task();
      expect(before?.events.processed).toBe(10);

      await makeAgain();
      // Beyond the offset of the checkpoint.
      await appendPageViews(platform.log, 10, 30);
      worker = new WorkerChild(config, "");
      expect(await worker.ended).toBe(1);
      expect(worker.log).toMatch(/customer-events\[0\].*offset 10.*deleted and made again.*lostInput=skip/);
      expect((await task())?.events.processed).toBe(10);

      worker = new WorkerChild({ ...config, lostInput: "skip" }, "");
      await worker.ready;
      await processed();
      expect(worker.log).toMatch(/made again.*going on at offset 0/);
      worker.signal("SIGTERM");
      await worker.ended;
      expect((await task())?.events.processed).toBe(40);

      // Once it has gone on, nothing is to be decided any more.
      worker = new WorkerChild(config, "");
      await worker.ready;
      await appendPageViews(platform.log, 40, 5);
      await processed();
    },
    TEST_MS_MAX,
  );

  it("is told where a topic has settings by which records can be lost", async () => {
    const topic = `${config.kafkaTopicPrefix}${TOPIC}`;
    const configEntries = [{ name: "cleanup.policy", value: "compact" }];
    await admin.alterConfigs({ validateOnly: false, resources: [{ type: 2, name: topic, configEntries }] });
    const told = async (): Promise<string[]> => {
      const said: string[] = [];
      await prepareTopics(config, true, (message) => said.push(message));
      return said.filter((message) => message.includes("cleanup.policy"));
    };
    await expect
      .poll(told, POLL)
      .toEqual([expect.stringMatching(new RegExp(`${topic} has cleanup.policy=compact.*topics apply`))]);
  });
});
