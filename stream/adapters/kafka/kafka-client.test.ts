import { afterEach, expect, it, vi } from "vitest";
import { KafkaClient } from "./kafka-client.ts";
import { asKafkaError } from "./kafka-errors.ts";
import { createEncoder } from "./kafkajs-internals.ts";
import { API, type KafkaStub, metadataAnswer, startKafkaStub, topicsAsked } from "./testing/kafka-stub.ts";

const LEADER_NOT_AVAILABLE = 5;

const closing: { close(): void }[] = [];
afterEach(() => {
  vi.restoreAllMocks();
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

it("keeps the connections to the other nodes where one cannot be reached", async () => {
  const gone = await startKafkaStub(() => () => null);
  gone.close();
  const stub = await startKafkaStub(
    ({ port }) =>
      (key) =>
        key === API.metadata ? metadataAnswer({ 1: port, 2: gone.port }, { orders: [1, 2] }) : null,
  );
  const client = clientOf(stub);
  const held = await client.broker(await client.leaderOf("orders", 0));
  const underWay = held.connectionPool.send({
    request: { apiKey: 0, apiName: "Produce", apiVersion: 7, encode: async () => createEncoder() },
    response: { decode: async () => ({ clientSideThrottleTime: 0 }), parse: async () => undefined },
    requestTimeout: 60_000,
    logResponseError: false,
  });
  const failed = vi.fn();
  underWay.catch(failed);
  for (let time = 0; time < 3; time++) {
    const failure = await client.broker(2).catch((error: unknown) => error);
    client.noteFailure(asKafkaError(failure, "a test", [stub.address]));
    await client.leaderOf("orders", 1);
  }
  expect(failed).not.toHaveBeenCalled();
  expect(stub.connections()).toBe(1);
});

it("gives a call up after a minute, however long each try takes", async () => {
  const stub = await startKafkaStub(
    ({ port }) =>
      () =>
        metadataAnswer({ 1: port }, {}),
  );
  const client = clientOf(stub);
  await client.broker(1);
  let now = 0;
  vi.spyOn(performance, "now").mockImplementation(() => now);
  let tries = 0;
  const call = client.run("asking a broker that hangs", async () => {
    now += 30_000;
    if (++tries < 5) throw Object.assign(new Error("timed out"), { name: "KafkaJSRequestTimeoutError" });
  });
  await expect(call).rejects.toMatchObject({ code: "kafka-unreachable", retry: true });
  expect(tries).toBe(2);
});
