import * as fc from "fast-check";
import { expect, it } from "vitest";
import { RECORD_PADDING, type RecordBatch } from "../../schema/index.ts";
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

/** With topics of one partition each. */
async function openWith(...names: string[]) {
  const harness = await open();
  const spec = { partitions: 1, retentionMs: null, retentionBytes: null };
  await harness.log.createTopics(names.map((name) => ({ ...spec, name })));
  return harness;
}

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

it("reads small appends on as one batch, each record with its ingest time", async () => {
  const { log, dispose } = await openWith("a", "b");
  const at = (ingestedAt: number, topic: string, values: string[]) => ({
    ...batchOf(topic, 0, values),
    ingestedAt,
  });
  const end = { ...batchOf("a", 0, []), control: "end-of-input" } as const;
  await log.append([at(1_000, "a", ["one", ""]), at(1_000, "a", ["é€😀"]), at(2_000, "b", ["other"])]);
  await log.append([at(3_000, "a", ["four"]), end, at(4_000, "a", ["behind the end"])]);
  const reader = await log.reader("a", 0, 0);
  const within = { recordsMax: 100, bytesMax: 1000, sequenceBelow: Number.POSITIVE_INFINITY };
  const readOn = (limits = within): (string | number)[][] => {
    const batch = reader.readOn?.(reader.read(limits) as RecordBatch, limits) as RecordBatch;
    const { bytes, starts, ends, ingestedAt, ingestTimes } = batch;
    expect(bytes.length).toBeGreaterThanOrEqual(ends[batch.count - 1] + RECORD_PADDING);
    return Array.from({ length: batch.count }, (_, i) => [
      Buffer.from(bytes.subarray(starts[i], ends[i])).toString(),
      ingestTimes?.[i] ?? ingestedAt,
    ]);
  };
  expect(readOn({ ...within, sequenceBelow: 3 })).toEqual([
    ["one", 1_000],
    ["", 1_000],
    ["é€😀", 1_000],
  ]);
  expect(readOn()).toEqual([["four", 3_000]]);
  expect(reader.read(within)?.control).toBe("end-of-input");
  expect(readOn()).toEqual([["behind the end", 4_000]]);
  await log.append([at(5_000, "a", ["5"]), at(6_000, "a", ["six", "seven"]), at(7_000, "a", ["8"])]);
  reader.look?.();
  expect(readOn({ ...within, recordsMax: 2 })).toEqual([["5", 5_000]]);
  expect(readOn({ ...within, bytesMax: 8 })).toEqual([
    ["six", 6_000],
    ["seven", 6_000],
  ]);
  expect(reader.position).toBe(9);
  await dispose();
});

it("shows all readers the same beginning of the log, until one of them looks", async () => {
  const { log, dispose } = await openWith("a", "b");
  const a = await log.reader("a", 0, 0);
  const b = await log.reader("b", 0, 0);
  const limits = { recordsMax: 100, bytesMax: 1000 };
  await log.append([batchOf("a", 0, ["first"])]);
  a.look?.();
  expect(a.read(limits)?.count).toBe(1);
  // The process's reads begin anew with each turn, what they give does not.
  await log.append([batchOf("b", 0, ["second"])]);
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect([a.read(limits), b.read(limits)]).toEqual([null, null]);
  a.look?.();
  expect(b.read(limits)?.sequence).toBe(2);
  await dispose();
});

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
  const { log, dispose, setNow } = await openWith("a", "b");
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
  const { log, dispose } = await openWith("a");
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
