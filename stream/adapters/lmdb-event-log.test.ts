import * as fc from "fast-check";
import { expect, it } from "vitest";
import {
  batchOf,
  eventLogContract,
  eventLogRetentionContract,
  readRecords,
} from "../ports/event-log.contract.ts";
import { LmdbEventLog } from "./lmdb-event-log.ts";
import { logHarness } from "./testing.ts";

const open = (writesOn: "caller" | "thread" = "caller") =>
  logHarness((path, clock) => new LmdbEventLog({ path, clock, writesOn }));

eventLogContract("LMDB", open);
eventLogRetentionContract("LMDB", open);
eventLogContract("LMDB, written by a thread", () => open("thread"));

it("gives a topic that exists the retention it is created with again", async () => {
  const { log, reopen, dispose } = await open();
  await log.createTopics([{ name: "t", partitions: 2, retentionMs: null, retentionBytes: 9 }]);
  const later = { name: "t", partitions: 2, retentionMs: 5000, retentionBytes: null };
  await log.createTopics([later]);
  expect(await (await reopen()).topics()).toEqual([later]);
  await dispose();
});

it.each(["caller", "thread"] as const)(
  "keeps ingest times that appends bring (%s writes)",
  async (writesOn) => {
    const { log, dispose } = await open(writesOn);
    await log.createTopics([{ name: "t", partitions: 1, retentionMs: null, retentionBytes: null }]);
    const at = (ingestedAt: number, value: string) => ({ ...batchOf("t", 0, [value]), ingestedAt });
    await log.append([at(1_000, "a"), at(2_500, "b")]);
    const reader = await log.reader("t", 0, 0);
    const limits = { recordsMax: 10, bytesMax: 1000 };
    expect([reader.read(limits)?.ingestedAt, reader.read(limits)?.ingestedAt]).toEqual([1_000, 2_500]);
    reader.close();
    await dispose();
  },
);

it("reads back whatever was appended, from any offset and within any limits", async () => {
  const { log, dispose } = await open();
  let topics = 0;
  const values = fc.array(fc.oneof(fc.string({ unit: "grapheme" }), fc.constant("x".repeat(400_000))), {
    minLength: 0,
    maxLength: 12,
  });
  const limits = fc.record({
    recordsMax: fc.integer({ min: 1, max: 50 }),
    bytesMax: fc.integer({ min: 1, max: 2_000_000 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(values, { maxLength: 6 }), fc.nat(), limits, async (batches, from, within) => {
      const topic = `t${topics++}`;
      await log.createTopics([{ name: topic, partitions: 1, retentionMs: null, retentionBytes: null }]);
      await Promise.all(batches.map((batch) => log.append([batchOf(topic, 0, batch)])));
      const all = batches.flat();
      const offset = from % (all.length + 1);
      const reader = await log.reader(topic, 0, offset);
      const records = await readRecords(reader, all.length - offset, within);
      expect(records.map((record) => record.value)).toEqual(all.slice(offset));
      expect(reader.read(within)).toBeNull();
    }),
    { numRuns: 60 },
  );
  await dispose();
});

it("numbers chunks of all topics without a hole, and stamps those of one commit alike", async () => {
  const { log, dispose, setNow } = await open();
  const spec = { partitions: 1, retentionMs: null, retentionBytes: null };
  await log.createTopics([
    { ...spec, name: "a" },
    { ...spec, name: "b" },
  ]);
  setNow(5000);
  await log.append([batchOf("a", 0, ["1"]), batchOf("b", 0, ["2"])]);
  await log.append([batchOf("b", 0, ["3"])]);
  const a = await readRecords(await log.reader("a", 0, 0), 1);
  const b = await readRecords(await log.reader("b", 0, 0), 2);
  expect([...a, ...b].map(({ value, sequence, ingestedAt }) => [value, sequence, ingestedAt])).toEqual([
    ["1", 1, 5000],
    ["2", 2, 5000],
    ["3", 3, 5000],
  ]);
  await dispose();
});

it("ends waits when the log closes, and refuses every call afterwards by name", async () => {
  const { log, dispose } = await open();
  await log.createTopics([{ name: "a", partitions: 1, retentionMs: null, retentionBytes: null }]);
  const reader = await log.reader("a", 0, 0);
  const waiting = reader.wait(600_000);
  await log.close();
  await waiting;
  const closed = { code: "log-closed" };
  expect(() => reader.read({ recordsMax: 1, bytesMax: 1 })).toThrow(expect.objectContaining(closed));
  await expect(log.append([batchOf("a", 0, ["x"])])).rejects.toMatchObject(closed);
  await expect(log.offsets("a", 0)).rejects.toMatchObject(closed);
  await expect(log.createTopics([])).rejects.toMatchObject(closed);
  await dispose();
});

it("refuses a topic that cannot be", async () => {
  const { log, dispose } = await open();
  const spec = { name: "a", partitions: 1, retentionMs: null, retentionBytes: null };
  for (const bad of [{ name: "" }, { name: "a b" }, { name: "\0" }, { partitions: 0 }, { partitions: 1.5 }]) {
    await expect(log.createTopics([{ ...spec, ...bad }])).rejects.toMatchObject({ code: "topic-invalid" });
  }
  expect(await log.topics()).toEqual([]);
  await dispose();
});
