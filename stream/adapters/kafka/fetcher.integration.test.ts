import { afterEach, expect, it } from "vitest";
import { testServer, uniqueName } from "../../../infra/servers/test-servers.ts";
import { batchOf, numbered } from "../../ports/event-log.contract.ts";
import type { LogReader } from "../../ports/event-log.ts";
import { KafkaEventLog } from "./kafka-event-log.ts";

const closing: { close(): unknown }[] = [];
afterEach(async () => {
  for (const each of closing.splice(0).reverse()) await each.close();
});

const READERS = 12;
const RECORDS = 400;

it("gives each of several readers of one partition every record, wherever the others are", async () => {
  const { bootstrap } = await testServer("kafka");
  const log = new KafkaEventLog({ connection: { brokers: [bootstrap], clientId: "test" }, clock: Date.now });
  closing.push(log);
  const topic = uniqueName("shared");
  await log.createTopics([{ name: topic, partitions: 1, retentionMs: null, retentionBytes: null }]);
  const seen: Promise<number[]>[] = [];
  for (let i = 0; i < RECORDS; i++) {
    await log.append([batchOf(topic, 0, numbered(1, i))]);
    // They come one after the other, as front ends subscribe, and each begins at the first record.
    if (i % Math.floor(RECORDS / READERS) === 0 && seen.length < READERS)
      seen.push(offsetsOf(await log.reader(topic, 0, 0)));
  }
  const all = Array.from({ length: RECORDS }, (_, offset) => offset);
  for (const offsets of await Promise.all(seen)) expect(offsets).toEqual(all);
});

/** Offsets that a reader sees up to the last one. */
async function offsetsOf(reader: LogReader): Promise<number[]> {
  closing.push(reader);
  const offsets: number[] = [];
  while (reader.position < RECORDS) {
    const batch = reader.read({ recordsMax: 7, bytesMax: 1 << 20 });
    if (batch === null) await reader.wait(1000);
    else for (let i = 0; i < batch.count; i++) offsets.push(batch.baseOffset + i);
  }
  return offsets;
}
