import { afterEach, expect, it } from "vitest";
import { KafkaClient } from "./kafka-client.ts";
import { API, type KafkaStub, metadataAnswer, startKafkaStub, topicsAsked } from "./testing/kafka-stub.ts";

const LEADER_NOT_AVAILABLE = 5;

const closing: { close(): void }[] = [];
afterEach(() => {
  for (const each of closing.splice(0).reverse()) each.close();
});

function clientOf(stub: KafkaStub): KafkaClient {
  const client = new KafkaClient({ brokers: [stub.address], clientId: "test" });
  closing.push(stub, client);
  return client;
}

it("finds leaders beside partitions of its own and of foreign topics that have none", async () => {
  const topics = { orders: [1, -LEADER_NOT_AVAILABLE], foreign: [-LEADER_NOT_AVAILABLE] };
  const stub = await startKafkaStub(({ port }) => (key, body) => {
    if (key !== API.metadata) return null;
    const asked = topicsAsked(body) ?? Object.keys(topics);
    const told = Object.entries(topics).filter(([name]) => asked.includes(name));
    return metadataAnswer({ 1: port }, Object.fromEntries(told));
  });
  const client = clientOf(stub);
  expect(await client.leaderOf("orders", 0)).toBe(1);
  expect(await client.broker(1)).toBeDefined();
  expect(await client.controller()).toBeDefined();
  await expect(client.leaderOf("orders", 1)).rejects.toMatchObject({ type: "LEADER_NOT_AVAILABLE" });
  await expect(client.leaderOf("orders", 2)).rejects.toMatchObject({ code: "unknown-partition" });
});
