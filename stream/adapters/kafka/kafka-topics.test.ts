import { expect, it } from "vitest";
import { KafkaTopics } from "./kafka-topics.ts";
import { createEncoder } from "./kafkajs-internals.ts";
import { API, metadataAnswer, startKafkaStub, topicsAsked } from "./testing/kafka-stub.ts";

const LEADER_NOT_AVAILABLE = 5;

it("finds its topics beside partitions of its own and of foreign ones that have no leader", async () => {
  const topics = { orders: [1, -LEADER_NOT_AVAILABLE], foreign: [-LEADER_NOT_AVAILABLE] };
  const stub = await startKafkaStub(({ port }) => (key, body) => {
    if (key !== API.metadata) return createEncoder().writeInt32(0).writeInt32(0);
    const asked = topicsAsked(body) ?? Object.keys(topics);
    const told = Object.entries(topics).filter(([name]) => asked.includes(name));
    return metadataAnswer({ 1: port }, Object.fromEntries(told));
  });
  const admin = new KafkaTopics({ brokers: [stub.address], clientId: "test" }, 1);
  const spec = { name: "orders", partitions: 2, retentionMs: null, retentionBytes: null };
  await admin.check();
  expect(await admin.find(["orders"])).toMatchObject([{ name: "orders", partitions: [{}, { leader: -1 }] }]);
  await admin.create([spec]);
  await expect(admin.create([{ ...spec, partitions: 3 }])).rejects.toMatchObject({ code: "topic-mismatch" });
  expect(stub.requests).not.toContain(API.createTopics);
  await admin.close();
  stub.close();
});
