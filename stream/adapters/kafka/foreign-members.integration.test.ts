import kafkajs, { type Consumer } from "kafkajs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { testServer, uniqueName } from "../../../infra/servers/test-servers.ts";
import { batchOf, numbered } from "../../ports/event-log.contract.ts";
import { KafkaEventLog } from "./kafka-event-log.ts";
import { KafkaTaskGroup } from "./kafka-task-group.ts";

describe("a consumer group that another program has joined under its name", () => {
  let bootstrap: string;
  let log: KafkaEventLog;
  let warnings: string[];
  let consumer: Consumer;
  let topic: string;
  let group: string;
  beforeEach(async () => {
    ({ bootstrap } = await testServer("kafka"));
    warnings = [];
    log = new KafkaEventLog({
      connection: { brokers: [bootstrap], clientId: "test" },
      clock: Date.now,
      warn: ({ message }) => warnings.push(message),
    });
    topic = uniqueName("foreign");
    group = uniqueName("group");
    await log.createTopics([{ name: topic, partitions: 1, retentionMs: null, retentionBytes: null }]);
    await log.append([batchOf(topic, 0, numbered(5))]);
    const kafka = new kafkajs.Kafka({ brokers: [bootstrap], logLevel: kafkajs.logLevel.NOTHING });
    consumer = kafka.consumer({ groupId: group });
    const joined = new Promise((resolve) => consumer.on(consumer.events.GROUP_JOIN, resolve));
    await consumer.connect();
    await consumer.subscribe({ topics: [topic] });
    await consumer.run({ autoCommit: false, eachMessage: async () => undefined });
    await joined;
  });
  afterEach(async () => {
    await consumer.disconnect();
    await log.close();
  });

  it("keeps its offsets, with a warning that says what to do, and takes ours once that has left", async () => {
    const commit = (offset: number) => log.commitOffsets(group, [{ topic, partition: 0, offset }]);
    await commit(3);
    await commit(4);
    expect(warnings).toEqual([expect.stringMatching(new RegExp(`${group}.*group of its own`))]);
    expect(await log.committedOffset(group, topic, 0)).toBeNull();
    await consumer.disconnect();
    await commit(5);
    expect(await log.committedOffset(group, topic, 0)).toBe(5);
  });

  it("is refused to workers, with what to do", async () => {
    const membership = new KafkaTaskGroup({ connection: { brokers: [bootstrap], clientId: "test" } }).join({
      group,
      topic,
      partitions: 1,
    });
    const given = async (): Promise<void> => {
      for await (const _ of membership.assignments) return;
    };
    await expect(given()).rejects.toMatchObject({
      code: "kafka-group-taken",
      message: expect.stringMatching(/kafkaGroup/) as string,
    });
    await membership.leave();
  });
});
