import kafkajs, { type Admin } from "kafkajs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { testServer, uniqueName } from "../../../infra/servers/test-servers.ts";
import { batchOf, numbered, readRecords } from "../../ports/event-log.contract.ts";
import { KafkaEventLog } from "./kafka-event-log.ts";

const POLL = { timeout: 20_000, interval: 20 };

describe("a topic that is deleted and made again under its name", () => {
  let log: KafkaEventLog;
  let writer: KafkaEventLog;
  let admin: Admin;
  let topic: string;
  beforeEach(async () => {
    const { bootstrap } = await testServer("kafka");
    const open = () =>
      new KafkaEventLog({ connection: { brokers: [bootstrap], clientId: "test" }, clock: Date.now });
    log = open();
    writer = open();
    admin = new kafkajs.Kafka({ brokers: [bootstrap], logLevel: kafkajs.logLevel.NOTHING }).admin();
    await admin.connect();
    topic = uniqueName("again");
    await make();
  });
  afterEach(async () => {
    await admin.disconnect();
    await writer.close();
    await log.close();
  });

  const make = () =>
    writer.createTopics([{ name: topic, partitions: 1, retentionMs: null, retentionBytes: null }]);

  async function makeAgain(records: number): Promise<void> {
    await admin.deleteTopics({ topics: [topic] });
    await expect.poll(async () => (await admin.listTopics()).includes(topic), POLL).toBe(false);
    await make();
    await expect
      .poll(
        () =>
          writer.append([batchOf(topic, 0, numbered(records))]).then(
            () => true,
            () => false,
          ),
        POLL,
      )
      .toBe(true);
  }

  it("has another id, and keeps that", async () => {
    const before = await log.topicId(topic);
    expect(before).toMatch(/^[0-9a-f]{32}$/);
    expect(await log.topicId(topic)).toBe(before);
    await makeAgain(1);
    const after = await log.topicId(topic);
    expect(after).toMatch(/^[0-9a-f]{32}$/);
    expect(after).not.toBe(before);
    expect(await writer.topicId(topic)).toBe(after);
  });

  it("is told to who reads the old one, in place of the new one's records behind the old offset", async () => {
    await writer.append([batchOf(topic, 0, numbered(5))]);
    const reader = await log.reader(topic, 0, 0);
    await readRecords(reader, 5);
    await makeAgain(20);
    const read = async (): Promise<unknown> => {
      await reader.wait(100);
      return reader.read({ recordsMax: 100, bytesMax: 1 << 20 });
    };
    const outcome = async (): Promise<unknown> =>
      read().then(
        (batch) => batch,
        (error) => error,
      );
    await expect
      .poll(outcome, POLL)
      .toMatchObject({ code: "offset-out-of-range", message: expect.stringMatching(/made again/) as string });
  });

  it("that is not there is an error that says so", async () => {
    await expect(log.topicId(uniqueName("nowhere"))).rejects.toMatchObject({ code: "unknown-topic" });
  });
});
