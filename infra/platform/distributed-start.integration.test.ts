import kafkajs from "kafkajs";
import { beforeAll, describe, expect, it } from "vitest";
import type { Config } from "../config/index.ts";
import { scenarioConfig } from "../scenarios/testing/scenario-home.ts";
import { connectionSettings } from "../servers/local-servers.ts";
import { testServers, uniqueName } from "../servers/test-servers.ts";
import { Platform } from "./platform.ts";
import { prepareTopics } from "./prepare-topics.ts";

const SERVERS = ["kafka", "minio", "catalog", "redis"] as const;
const WAIT_MS_MAX = 1_000;
const POLL = { timeout: 60_000, interval: 50 };
/** An address at which nothing listens. */
const NOWHERE = "127.0.0.1:1";

describe("a distributed platform that cannot start", () => {
  const warnings: string[] = [];
  const logger = {
    info: () => undefined,
    warn: (_: object, message: string) => void warnings.push(message),
    error: () => undefined,
  };
  let connections: Partial<Config>;
  beforeAll(async () => {
    await testServers.start(SERVERS);
    connections = connectionSettings(testServers, SERVERS);
  });

  function configWith(flags: Partial<Config>): Config {
    const name = uniqueName("start");
    return scenarioConfig("unused", {
      mode: "distributed",
      ...connections,
      trinoUrl: `http://${NOWHERE}`,
      kafkaTopicPrefix: `${name}.`,
      kafkaGroup: name,
      s3Prefix: name,
      redisPrefix: name,
      ...flags,
    });
  }

  const opening = (flags: Partial<Config>) =>
    Platform.open(configWith(flags), logger, { serversWaitMsMax: WAIT_MS_MAX });

  it.each([
    ["a wrong secret", { s3SecretAccessKey: "not the secret" }, /object store.*(secret|credential)/i],
    ["a bucket that is not there", { s3Bucket: "no-such-bucket" }, /object store.*no-such-bucket/],
  ] as const)("for %s says so at once, and not the secret", async (_, flags, message) => {
    warnings.length = 0;
    const error: Error = await opening(flags).then(
      () => expect.unreachable(),
      (reason) => reason,
    );
    expect(error).toMatchObject({ code: "server-check-failed", retry: false });
    expect(error.message).toMatch(message);
    expect(error.message).not.toContain("not the secret");
    // What does not pass by itself is not tried again.
    expect(warnings).toEqual([]);
  });

  it("for several servers that do not answer names all of them, having waited for each", async () => {
    warnings.length = 0;
    await expect(
      opening({ kafkaBrokers: [NOWHERE], catalogUri: `http://${NOWHERE}`, redisUrl: `redis://${NOWHERE}` }),
    ).rejects.toMatchObject({
      code: "server-check-failed",
      retry: true,
      message: expect.stringMatching(/Kafka at .*:1.*the catalog at .*:1.*Redis/s) as string,
    });
    // Back-off: a handful of tries in the time, not a busy loop.
    expect(warnings.length).toBeLessThan(20);
  });

  it("for a topic that was deleted says which, and makes none in its place", async () => {
    const config = configWith({});
    await prepareTopics(config, true);
    const admin = new kafkajs.Kafka({
      brokers: [...config.kafkaBrokers],
      logLevel: kafkajs.logLevel.NOTHING,
    }).admin();
    await admin.connect();
    try {
      const topic = `${config.kafkaTopicPrefix}orders`;
      await admin.deleteTopics({ topics: [topic] });
      await expect.poll(async () => (await admin.listTopics()).includes(topic), POLL).toBe(false);
      const missing = { code: "topic-missing", message: expect.stringContaining(topic) as string };
      await expect(prepareTopics(config, true)).rejects.toMatchObject(missing);
      await expect(prepareTopics(config, false)).rejects.toMatchObject(missing);
      expect(await admin.listTopics()).not.toContain(topic);
    } finally {
      await admin.disconnect();
    }
  });

  it("for a command that only reads makes no topics, but says that there are none", async () => {
    const config = configWith({});
    await expect(Platform.open(config, logger, { makesHome: false })).rejects.toMatchObject({
      code: "topic-missing",
      message: expect.stringMatching(/orders.*millrace topics apply.*kafkaTopicPrefix/) as string,
    });
    const admin = new kafkajs.Kafka({
      brokers: [...config.kafkaBrokers],
      logLevel: kafkajs.logLevel.NOTHING,
    }).admin();
    await admin.connect();
    try {
      const topics = await admin.listTopics();
      expect(topics.filter((topic) => topic.startsWith(config.kafkaTopicPrefix))).toEqual([]);
    } finally {
      await admin.disconnect();
    }
  });

  it("for another number of partitions than there are says which to set", async () => {
    const config = configWith({ partitions: 2 });
    await prepareTopics(config, true);
    await expect(prepareTopics({ ...config, partitions: 3 }, true)).rejects.toMatchObject({
      code: "topic-mismatch",
      message: expect.stringContaining("2 partitions, not 3") as string,
    });
  });
});
