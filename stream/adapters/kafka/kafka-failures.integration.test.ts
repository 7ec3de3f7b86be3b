import diagnostics from "node:diagnostics_channel";
import { createRequire } from "node:module";
import type { Socket } from "node:net";
import { afterEach, expect, it, vi } from "vitest";
import { testServer, uniqueName } from "../../../infra/servers/test-servers.ts";
import { batchOf, numbered, readRecords } from "../../ports/event-log.contract.ts";
import { planAppend } from "./append-parts.ts";
import { KafkaGroupOwners } from "./group-owners.ts";
import { KafkaClient } from "./kafka-client.ts";
import { asKafkaError } from "./kafka-errors.ts";
import { KafkaEventLog } from "./kafka-event-log.ts";
import { protocolError } from "./kafkajs-internals.ts";
import type { KafkaWarning } from "./outage-warnings.ts";
import { TransactionalProducer } from "./transactional-producer.ts";

const KafkaBroker = createRequire(import.meta.url)("kafkajs/src/broker/index.js") as {
  prototype: { findGroupCoordinator(): Promise<unknown> };
};
/** Codes of the protocol. */
const NOT_COORDINATOR = 16;
const COORDINATOR_NOT_AVAILABLE = 15;

const closing: { close(): unknown }[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  for (const each of closing.splice(0).reverse()) await each.close();
});

const prefix = uniqueName("failures");
async function openLog(options: { brokers?: string[]; warn?: (warning: KafkaWarning) => void } = {}) {
  const { bootstrap } = await testServer("kafka");
  const { brokers = [bootstrap], warn } = options;
  const log = new KafkaEventLog({
    connection: { brokers, clientId: "test" },
    clock: Date.now,
    producersTopic: `${prefix}-producers`,
    ...(warn === undefined ? {} : { warn }),
  });
  closing.push(log);
  return log;
}

async function createTopic(log: KafkaEventLog, partitions = 2): Promise<string> {
  const name = uniqueName("failing");
  await log.createTopics([{ name, partitions, retentionMs: null, retentionBytes: null }]);
  return name;
}

it("says which broker cannot be reached, and what to do", async () => {
  const log = await openLog({ brokers: ["127.0.0.1:1"] });
  const failure = await log.offsets("orders", 0).catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: "kafka-unreachable", origin: "external", retry: true });
  expect((failure as Error).message).toMatch(/orders.*127\.0\.0\.1:1.*check that it runs/s);
});

it("says that the credentials are not taken, and does not show them", async () => {
  const { bootstrap } = await testServer("kafka");
  const sasl = { mechanism: "plain", username: "shop", password: "not-to-be-shown" } as const;
  const log = new KafkaEventLog({
    connection: { brokers: [bootstrap], clientId: "test", sasl },
    clock: Date.now,
  });
  closing.push(log);
  // This broker takes nobody's: SASL is off, which it says in the same way.
  const failure = await log.offsets("orders", 0).catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: "kafka-auth-failed", origin: "user", retry: false });
  expect((failure as Error).message).not.toContain("not-to-be-shown");
});

it("opens nothing anew for who still holds a node of connections that were dropped", async () => {
  const { bootstrap } = await testServer("kafka");
  const client = new KafkaClient({ brokers: [bootstrap], clientId: "test" });
  closing.push(client);
  const held = await client.controller();
  await held.metadata([]);
  client.disconnect();
  // It would stay open with nobody to close it, and keep the process from ending.
  const again = held.metadata([]).catch(() => held.metadata([]));
  await expect(again).rejects.toThrow("the connection was dropped");
  await (await client.controller()).metadata([]);
});

it("asks once who coordinates a producer, and again where that may have changed", async () => {
  const { bootstrap } = await testServer("kafka");
  const client = new KafkaClient({ brokers: [bootstrap], clientId: "test" });
  closing.push(client);
  const asked = vi.spyOn(KafkaBroker.prototype, "findGroupCoordinator");
  const id = uniqueName("coordinated");
  const find = () => client.run("finding the coordinator", () => client.coordinator("transaction", id));
  await find();
  const before = asked.mock.calls.length;
  await find();
  expect(asked.mock.calls.length).toBe(before);
  client.noteFailure(asKafkaError(protocolError(NOT_COORDINATOR), "a test", [bootstrap]));
  await find();
  expect(asked.mock.calls.length).toBeGreaterThan(before);
});

it("waits for the coordinator that a new broker does not have yet, and says so", async () => {
  const { bootstrap } = await testServer("kafka");
  const owners = new KafkaGroupOwners({ brokers: [bootstrap], clientId: "test" });
  closing.push(owners);
  const failure = protocolError(COORDINATOR_NOT_AVAILABLE);
  const asked = vi.spyOn(KafkaBroker.prototype, "findGroupCoordinator");
  for (let time = 0; time < 3; time++) asked.mockRejectedValueOnce(failure);
  expect(await owners.ownedPartitions(uniqueName("young"), "orders")).toEqual([]);
  // Once more, where this is the first group of a broker that is new indeed.
  expect(asked.mock.calls.length).toBeGreaterThan(3);
  expect(asKafkaError(failure, "joining", [bootstrap])).toMatchObject({
    code: "kafka-starting",
    retry: true,
    message: expect.stringMatching(/joining.*is up.*replication\.factor/) as string,
  });
});

it("shuts out a process whose producer another has taken over, until it takes it back", async () => {
  const [zombie, heir] = [await openLog(), await openLog()];
  const topic = await createTopic(zombie);
  const id = uniqueName("task");
  expect(await zombie.producerSequence(id)).toBe(-1);
  await zombie.append([batchOf(topic, 0, ["a"])], { id, sequence: 1 });
  expect(await heir.producerSequence(id)).toBe(1);
  await heir.append([batchOf(topic, 0, ["b"])], { id, sequence: 2 });
  for (const sequence of [2, 3]) {
    await expect(zombie.append([batchOf(topic, 0, ["zombie"])], { id, sequence })).rejects.toMatchObject({
      code: "producer-fenced",
    });
  }
  expect(await zombie.producerSequence(id)).toBe(2);
  await zombie.append([batchOf(topic, 0, ["c"])], { id, sequence: 3 });
  const records = await readRecords(await heir.reader(topic, 0, 0), 3);
  expect(records.map(({ value }) => value)).toEqual(["a", "b", "c"]);
});

it("sends again what the coordinator has rolled back for its time, where nobody else has the id", async () => {
  const log = await openLog();
  const topic = await createTopic(log);
  const client = new KafkaClient({ brokers: [(await testServer("kafka")).bootstrap], clientId: "test" });
  closing.push(client);
  const id = uniqueName("own");
  const producer = (isShared: boolean) =>
    new TransactionalProducer(id, client, { codec: "none", clock: Date.now }, isShared);
  const parts = (value: string) => planAppend([0, 1].map((at) => batchOf(topic, at, [value]))).parts;
  const own = producer(false);
  await own.append(parts("a"));
  // What the coordinator does with a transaction that took too long does a claim, too: the epoch is a later one.
  await producer(true).claim();
  await own.append(parts("b"));
  for (const partition of [0, 1]) {
    const records = await readRecords(await log.reader(topic, partition, 0), 2);
    expect(records.map(({ value }) => value)).toEqual(["a", "b"]);
  }
});

it("leaves out what an open transaction of a dead process wrote, once another has taken over", async () => {
  const log = await openLog();
  const topic = await createTopic(log);
  const id = uniqueName("dies");
  // What a process does that dies before its commit: its session is claimed, its partition is in, its records are sent.
  const { bootstrap } = await testServer("kafka");
  const client = new KafkaClient({ brokers: [bootstrap], clientId: "dies" });
  closing.push(client);
  const { ProducerSession, produce } = await import("./producer-session.ts");
  const { encodeValues } = await import("./encode-batch.ts");
  const transactionalId = `${prefix}-producers/${id}`;
  await client.run("test", async () => {
    const coordinator = await client.coordinator("transaction", transactionalId);
    const identity = await coordinator.initProducerId({ transactionalId, transactionTimeout: 60_000 });
    const session = new ProducerSession(identity, { codec: "none", clock: Date.now });
    const { producerId, producerEpoch } = session;
    const topics = [{ topic, partitions: [0] }];
    await coordinator.addPartitionsToTxn({ transactionalId, producerId, producerEpoch, topics });
    const records = encodeValues([batchOf(topic, 0, ["rolled back"])]);
    await produce(client, transactionalId, [session.seal({ topic, partition: 0, records }, true)]);
  });
  await log.append([batchOf(topic, 0, ["behind it"])]);
  const reader = await log.reader(topic, 0, 0);
  await log.append([batchOf(topic, 1, ["elsewhere"])], { id, sequence: 0 });
  expect((await readRecords(reader, 1)).map(({ value, offset }) => [offset, value])).toEqual([
    [1, "behind it"],
  ]);
});

it("appends and reads everything once over connections that break, and says that they broke", async () => {
  const sockets = new Set<Socket>();
  const connected = ({ socket }: { socket: Socket }): void => {
    sockets.add(socket);
  };
  diagnostics.subscribe("net.client.socket", connected as (message: unknown) => void);
  closing.push({
    close: () => diagnostics.unsubscribe("net.client.socket", connected as (message: unknown) => void),
  });
  const warnings: KafkaWarning[] = [];
  const log = await openLog({ warn: (warning) => warnings.push(warning) });
  const topic = await createTopic(log);
  const reader = await log.reader(topic, 0, 0);
  const all = numbered(600);
  const read = readRecords(reader, all.length);
  for (let i = 0; i < all.length; i += 3) {
    const appended = log.append([batchOf(topic, 0, all.slice(i, i + 3))]);
    // With a request under way, whose answer is lost.
    if (i % 90 === 60) for (const socket of sockets) socket.destroy(new Error("broken by the test"));
    await appended;
  }
  expect((await read).map(({ value }) => value)).toEqual(all);
  expect((await log.offsets(topic, 0)).end).toBe(all.length);
  // Once, however often: all of it is one outage.
  expect(warnings.map(({ code }) => code)).toEqual(["kafka-unreachable"]);
});
