import { expect, it } from "vitest";
import { testServer, uniqueName } from "../../../infra/servers/test-servers.ts";
import { batchOf, eventLogContract } from "../../ports/event-log.contract.ts";
import { createAdmin } from "./index.ts";
import { KafkaEventLog } from "./kafka-event-log.ts";

async function open() {
  const { bootstrap } = await testServer("kafka");
  const prefix = `${uniqueName("log")}-`;
  const openLog = () =>
    new KafkaEventLog({
      connection: { brokers: [bootstrap], clientId: "test" },
      clock: Date.now,
      producersTopic: `${prefix}producers`,
    });
  const harness = {
    log: openLog(),
    prefix,
    offsetsAreDense: false,
    sequencesAreUnique: false,
    async reopen(): Promise<KafkaEventLog> {
      await harness.log.close();
      harness.log = openLog();
      return harness.log;
    },
    dispose: () => harness.log.close(),
  };
  return harness;
}

eventLogContract("Kafka", open);

it("keeps ingest times that appends bring, in topics that take the producer's", async () => {
  const { bootstrap } = await testServer("kafka");
  const topic = uniqueName("history");
  const admin = createAdmin({ clientId: "test", brokers: [bootstrap] });
  await admin.connect();
  const configEntries = [{ name: "message.timestamp.type", value: "CreateTime" }];
  await admin.createTopics({ waitForLeaders: true, topics: [{ topic, numPartitions: 1, configEntries }] });
  await admin.disconnect();
  const { log, dispose } = await open();
  const at = (ingestedAt: number, ...values: string[]) => ({ ...batchOf(topic, 0, values), ingestedAt });
  const started = 1_600_000_000_000;
  const batches = [at(started, "a", "b"), at(started + 70, "c"), at(started + 86_400_000, "d")];
  expect(await log.append(batches, { id: topic, sequence: 0 })).toEqual({
    appended: true,
    baseOffsets: [0, 2, 3],
  });
  const reader = await log.reader(topic, 0, 0);
  const seen: [number, number][] = [];
  while (seen.length < 3) {
    await reader.wait(1_000);
    const batch = reader.read({ recordsMax: 100, bytesMax: 10_000 });
    if (batch !== null) seen.push([batch.count, batch.ingestedAt - started]);
  }
  expect(seen).toEqual([
    [2, 0],
    [1, 70],
    [1, 86_400_000],
  ]);
  await dispose();
});
