import { Kafka, logLevel } from "kafkajs";
import { expect, it } from "vitest";
import { testServer, uniqueName } from "../../../infra/servers/test-servers.ts";
import { alertBusContract } from "../../ports/alert-bus.contract.ts";
import { alertOf } from "../../ports/alerts.fixture.ts";
import { batchOf } from "../../ports/event-log.contract.ts";
import { KafkaAlertBus } from "./kafka-alert-bus.ts";
import { KafkaEventLog } from "./kafka-event-log.ts";

async function open() {
  const { bootstrap } = await testServer("kafka");
  const topic = uniqueName("alerts");
  const openLog = () =>
    new KafkaEventLog({ connection: { brokers: [bootstrap], clientId: "test" }, clock: Date.now });
  const log = openLog();
  await log.createTopics([{ name: topic, partitions: 1, retentionMs: null, retentionBytes: null }]);
  const harness = {
    topic,
    log,
    bus: new KafkaAlertBus(log, { topic }),
    async expireAll(): Promise<void> {
      const admin = new Kafka({ brokers: [bootstrap], logLevel: logLevel.NOTHING }).admin();
      await admin.connect();
      // kafkajs deletes in topics alone whose leaders it has looked up; -1 is up to the end.
      await admin.fetchTopicOffsets(topic);
      await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: "-1" }] });
      await admin.disconnect();
    },
    async reopen(): Promise<KafkaAlertBus> {
      await harness.bus.close();
      await harness.log.close();
      harness.log = openLog();
      harness.bus = new KafkaAlertBus(harness.log, { topic });
      return harness.bus;
    },
    async dispose(): Promise<void> {
      await harness.bus.close();
      await harness.log.close();
    },
  };
  return harness;
}

alertBusContract("Kafka", open);

it("drops a repeat that two processes have both written, for readers on either side of the first", async () => {
  const { bus, log, topic, dispose } = await open();
  const written = [alertOf("a"), alertOf("b"), alertOf("a"), alertOf("c"), alertOf("b"), alertOf("d")];
  await log.append([
    batchOf(
      topic,
      0,
      written.map((alert) => JSON.stringify(alert)),
    ),
  ]);
  const all: { id: string; cursor: string }[] = [];
  for await (const { alert, cursor } of bus.subscribe("begin", new AbortController().signal)) {
    all.push({ id: alert.id, cursor });
    if (alert.id === "d") break;
  }
  expect(all.map(({ id }) => id)).toEqual(["a", "b", "c", "d"]);
  const resumed: string[] = [];
  for await (const { alert } of bus.subscribe(all[1].cursor, new AbortController().signal)) {
    resumed.push(alert.id);
    if (alert.id === "d") break;
  }
  expect(resumed).toEqual(["c", "d"]);
  await dispose();
});

it("publishes into a topic that was deleted and made again, and what it had published before", async () => {
  const { bus, log, topic, dispose } = await open();
  await bus.publish([alertOf("a"), alertOf("b"), alertOf("c")]);
  const { bootstrap } = await testServer("kafka");
  const admin = new Kafka({ brokers: [bootstrap], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  await admin.deleteTopics({ topics: [topic] });
  const poll = { timeout: 20_000, interval: 50 };
  await expect.poll(async () => (await admin.listTopics()).includes(topic), poll).toBe(false);
  await admin.disconnect();
  await log.createTopics([{ name: topic, partitions: 1, retentionMs: null, retentionBytes: null }]);
  // Until it has noticed, one may fail: a task then begins anew, and sends its alerts again.
  const published = (): Promise<boolean> =>
    bus.publish([alertOf("b"), alertOf("d")]).then(
      async () => (await log.offsets(topic, 0)).end === 2,
      () => false,
    );
  await expect.poll(published, poll).toBe(true);
  const ids: string[] = [];
  for await (const { alert } of bus.subscribe("begin", new AbortController().signal)) {
    ids.push(alert.id);
    if (ids.length === 2) break;
  }
  expect(ids.sort()).toEqual(["b", "d"]);
  await dispose();
});

it("does not publish again what another process has published", async () => {
  const first = await open();
  const otherLog = new KafkaEventLog({
    connection: { brokers: [(await testServer("kafka")).bootstrap], clientId: "other" },
    clock: Date.now,
  });
  const other = new KafkaAlertBus(otherLog, { topic: first.topic });
  await first.bus.publish([alertOf("a"), alertOf("b")]);
  await other.publish([alertOf("b"), alertOf("c")]);
  expect((await first.log.offsets(first.topic, 0)).end).toBe(3);
  await other.close();
  await otherLog.close();
  await first.dispose();
});
