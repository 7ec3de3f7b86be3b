import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { RECORD_PADDING } from "../../schema/index.ts";
import type { AppendBatch, EventLog, LogReader } from "./event-log.ts";

/** Longer than a test may take: only a wake-up ends the wait. */
const WAIT_MS = 600_000;

export interface EventLogHarness {
  log: EventLog;
  /** Put before topic names, so that a shared server can serve several runs. */
  readonly prefix: string;
  /** False where the log puts what is no record between records: an append may then begin later. Default true. */
  readonly offsetsAreDense?: boolean;
  /** False where appends to different topics at nearly the same time share a sequence. Default true. */
  readonly sequencesAreUnique?: boolean;
  /** Closes the log and opens the same data again. */
  reopen(): Promise<EventLog>;
  dispose(): Promise<void>;
}

export interface ReadRecord {
  readonly offset: number;
  readonly value: string;
  readonly ingestedAt: number;
  readonly sequence: number;
  readonly control: "data" | "end-of-input";
}

export function batchOf(
  topic: string,
  partition: number,
  values: readonly (string | Uint8Array)[],
): AppendBatch {
  const parts = values.map((value) => (typeof value === "string" ? Buffer.from(value) : value));
  const starts = new Int32Array(parts.length);
  const ends = new Int32Array(parts.length);
  let at = 0;
  parts.forEach((part, i) => {
    starts[i] = at;
    at += part.length;
    ends[i] = at;
  });
  return { topic, partition, count: parts.length, bytes: Buffer.concat(parts), starts, ends };
}

/** Reads until so many records came; copies them. */
export async function readRecords(
  reader: LogReader,
  count: number,
  limits = { recordsMax: 1000, bytesMax: 1 << 20 },
): Promise<ReadRecord[]> {
  const records: ReadRecord[] = [];
  while (records.length < count) {
    const batch = reader.read(limits);
    if (batch === null) {
      await reader.wait(WAIT_MS);
      continue;
    }
    expect(batch.count).toBeGreaterThan(0);
    expect(batch.count).toBeLessThanOrEqual(limits.recordsMax);
    expect(batch.bytes.length).toBeGreaterThanOrEqual(batch.ends[batch.count - 1] + RECORD_PADDING);
    for (let i = 0; i < batch.count; i++) {
      const { ingestedAt, sequence, control } = batch;
      const value = Buffer.from(batch.bytes.subarray(batch.starts[i], batch.ends[i])).toString();
      records.push({ offset: batch.baseOffset + i, value, ingestedAt, sequence, control });
    }
    expect(reader.position).toBeGreaterThanOrEqual(batch.baseOffset + batch.count);
  }
  return records;
}

export function numbered(count: number, from = 0): string[] {
  return Array.from({ length: count }, (_, i) => `record-${from + i}`);
}

/** What every EventLog keeps. */
export function eventLogContract(name: string, open: () => Promise<EventLogHarness>): void {
  describe(`EventLog contract: ${name}`, () => {
    let harness: EventLogHarness;
    let log: EventLog;
    let topic: string;
    let isDense: boolean;

    beforeEach(async () => {
      harness = await open();
      log = harness.log;
      isDense = harness.offsetsAreDense ?? true;
      topic = `${harness.prefix}events`;
      await log.createTopics([{ name: topic, partitions: 2, retentionMs: null, retentionBytes: null }]);
    });
    afterEach(() => harness.dispose());

    const valuesFrom = async (partition: number, offset: number, count: number): Promise<string[]> => {
      const reader = await log.reader(topic, partition, offset);
      const records = await readRecords(reader, count);
      reader.close();
      return records.map((record) => record.value);
    };

    it("creates a topic once, and refuses another number of partitions", async () => {
      const spec = { name: topic, partitions: 2, retentionMs: null, retentionBytes: null };
      await log.createTopics([spec]);
      expect((await log.topics()).filter((each) => each.name === topic)).toEqual([spec]);
      await expect(log.createTopics([{ ...spec, partitions: 3 }])).rejects.toMatchObject({
        code: "topic-mismatch",
      });
    });

    it("names a topic or partition that is not there", async () => {
      await expect(log.offsets(`${harness.prefix}none`, 0)).rejects.toMatchObject({ code: "unknown-topic" });
      await expect(log.append([batchOf(topic, 2, ["x"])])).rejects.toMatchObject({
        code: "unknown-partition",
      });
    });

    it("gives rising offsets per partition, dense where it says so, and returns records in order as they were", async () => {
      const first = await log.append([batchOf(topic, 0, ["a", "", "é€😀"]), batchOf(topic, 1, ["z"])]);
      expect(first).toEqual({ appended: true, baseOffsets: [0, 0] });
      const [next] = (await log.append([batchOf(topic, 0, ["d"])])).baseOffsets;
      const { begin, end } = await log.offsets(topic, 0);
      expect(begin).toBe(0);
      expect(next).toBeGreaterThanOrEqual(3);
      expect(end).toBeGreaterThan(next);
      if (isDense) expect([next, end]).toEqual([3, 4]);
      const reader = await log.reader(topic, 0, 0);
      const records = await readRecords(reader, 4);
      expect(records.map((record) => record.value)).toEqual(["a", "", "é€😀", "d"]);
      expect(records.map((record) => record.offset)).toEqual([0, 1, 2, next]);
      expect(reader.read({ recordsMax: 10, bytesMax: 1000 })).toBeNull();
    });

    it("does not need the caller's buffer once the append has resolved, and takes values with gaps between", async () => {
      const bytes = Buffer.from("..one..two..three..");
      const batch = {
        topic,
        partition: 0,
        count: 3,
        bytes,
        starts: Int32Array.of(2, 7, 12),
        ends: Int32Array.of(5, 10, 17),
      };
      await log.append([batch]);
      bytes.fill(0);
      expect(await valuesFrom(0, 0, 3)).toEqual(["one", "two", "three"]);
    });

    it("starts a reader at any offset, in the middle of a batch too", async () => {
      await log.append([batchOf(topic, 0, numbered(10_000))]);
      for (const offset of [0, 1, 4095, 4096, 4097, 9999]) {
        expect((await valuesFrom(0, offset, Math.min(3, 10_000 - offset)))[0]).toBe(`record-${offset}`);
      }
      expect((await log.reader(topic, 0, 10_000)).read({ recordsMax: 1, bytesMax: 1 })).toBeNull();
    });

    it("keeps a read within its limits, but gives at least one record", async () => {
      await log.append([batchOf(topic, 0, numbered(1000))]);
      const reader = await log.reader(topic, 0, 0);
      const batch = reader.read({ recordsMax: 1000, bytesMax: 100 }) ?? (await firstBatch(reader));
      expect(batch.ends[batch.count - 1] - batch.starts[0]).toBeLessThanOrEqual(100);
      expect(reader.read({ recordsMax: 7, bytesMax: 1 << 20 })?.count).toBe(7);
      expect(reader.read({ recordsMax: 7, bytesMax: 1 })?.count).toBe(1);
      const rest = await readRecords(reader, 1000 - reader.position, { recordsMax: 13, bytesMax: 1 << 20 });
      expect(rest.at(-1)?.value).toBe("record-999");
    });

    it("takes a record of 10 MB", async () => {
      const big = Buffer.alloc(10 << 20, 120);
      await log.append([batchOf(topic, 0, ["before", big, "after"])]);
      const values = await valuesFrom(0, 0, 3);
      expect(values.map((value) => value.length)).toEqual([6, big.length, 5]);
    });

    it("refuses a reader outside of what is kept", async () => {
      await expect(log.reader(topic, 0, 5)).rejects.toMatchObject({ code: "offset-out-of-range" });
    });

    it("drops a producer's repeat, and remembers the producer over a restart", async () => {
      const mark = { id: "loader-1", sequence: 4 };
      expect(await log.producerSequence(mark.id)).toBe(-1);
      await log.append([batchOf(topic, 0, ["once"])], mark);
      expect(await log.append([batchOf(topic, 0, ["again"])], mark)).toEqual({
        appended: false,
        baseOffsets: [],
      });
      log = await harness.reopen();
      expect(await log.producerSequence(mark.id)).toBe(4);
      expect((await log.append([batchOf(topic, 0, ["older"])], { ...mark, sequence: 3 })).appended).toBe(
        false,
      );
      expect((await log.append([batchOf(topic, 0, ["next"])], { ...mark, sequence: 5 })).appended).toBe(true);
      expect(await valuesFrom(0, 0, 2)).toEqual(["once", "next"]);
      const { end } = await log.offsets(topic, 0);
      if (isDense) expect(end).toBe(2);
    });

    it("marks the end of the input with a record that takes one offset", async () => {
      await log.append([batchOf(topic, 0, ["last"])]);
      await log.append([{ ...batchOf(topic, 0, []), control: "end-of-input" }]);
      const records = await readRecords(await log.reader(topic, 0, 0), 2);
      expect(records.map(({ control, value }) => [control, value])).toEqual([
        ["data", "last"],
        ["end-of-input", ""],
      ]);
      expect((await log.append([batchOf(topic, 0, ["more"])])).baseOffsets).toEqual([2]);
    });

    it("numbers appends over all topics in their order, where it numbers them", async () => {
      for (let i = 0; i < 6; i++) await log.append([batchOf(topic, i % 2, [`${i}`])]);
      const records = [
        ...(await readRecords(await log.reader(topic, 0, 0), 3)),
        ...(await readRecords(await log.reader(topic, 1, 0), 3)),
      ].sort((a, b) => Number(a.value) - Number(b.value));
      const sequences = records.map((record) => record.sequence);
      if (sequences.some((sequence) => sequence !== 0)) {
        expect(sequences).toEqual([...sequences].sort((a, b) => a - b));
        if (harness.sequencesAreUnique ?? true) expect(new Set(sequences).size).toBe(sequences.length);
      }
    });

    it("wakes a reader that waits at the end", async () => {
      const reader = await log.reader(topic, 1, 0);
      const waiting = readRecords(reader, 3);
      for (const value of ["x", "y", "z"]) await log.append([batchOf(topic, 1, [value])]);
      expect((await waiting).map((record) => record.value)).toEqual(["x", "y", "z"]);
    });

    it("returns from a wait after its time-out, and when the reader closes", async () => {
      const reader = await log.reader(topic, 0, 0);
      await reader.wait(5);
      const waiting = reader.wait(60_000);
      reader.close();
      await waiting;
    });

    it("keeps concurrent appends apart: each batch is contiguous and once", async () => {
      const appends = Array.from({ length: 40 }, (_, i) =>
        log.append([batchOf(topic, 0, numbered(5, i * 5))]),
      );
      const bases = (await Promise.all(appends)).map((result) => result.baseOffsets[0]);
      const values = await valuesFrom(0, 0, 200);
      bases.forEach((base, i) => {
        expect(values.slice(base, base + 5)).toEqual(numbered(5, i * 5));
      });
    });

    it("remembers a group's committed offsets", async () => {
      await log.append([batchOf(topic, 1, numbered(5))]);
      expect(await log.committedOffset("pipeline", topic, 1)).toBeNull();
      await log.commitOffsets("pipeline", [{ topic, partition: 1, offset: 3 }]);
      expect(await log.committedOffset("pipeline", topic, 1)).toBe(3);
      expect(await log.committedOffset("other", topic, 1)).toBeNull();
    });

    it("has everything after a restart", async () => {
      await log.append([batchOf(topic, 0, numbered(3))]);
      log = await harness.reopen();
      expect(await log.offsets(topic, 0)).toEqual({ begin: 0, end: 3 });
      expect((await log.append([batchOf(topic, 0, ["record-3"])])).baseOffsets).toEqual([3]);
      expect(await valuesFrom(0, 0, 4)).toEqual(numbered(4));
    });
  });
}

async function firstBatch(reader: LogReader) {
  for (;;) {
    await reader.wait(WAIT_MS);
    const batch = reader.read({ recordsMax: 1000, bytesMax: 100 });
    if (batch !== null) return batch;
  }
}

const noGroups = (): string[] => [];

export interface RetentionHarness extends EventLogHarness {
  setNow(ms: number): void;
}

/** For a log that enforces retention itself, by an injected clock. */
export function eventLogRetentionContract(name: string, open: () => Promise<RetentionHarness>): void {
  describe(`EventLog retention contract: ${name}`, () => {
    let harness: RetentionHarness;
    let log: EventLog;
    let topic: string;

    beforeEach(async () => {
      harness = await open();
      log = harness.log;
      topic = `${harness.prefix}events`;
    });
    afterEach(() => harness.dispose());

    const appendDaily = async (): Promise<void> => {
      for (let day = 1; day <= 4; day++) {
        harness.setNow(day * 1000);
        await log.append([batchOf(topic, 0, numbered(10, (day - 1) * 10))]);
      }
    };

    it("stamps records with the clock, and drops by age, begin moving to the oldest kept", async () => {
      await log.createTopics([{ name: topic, partitions: 1, retentionMs: 1500, retentionBytes: null }]);
      await appendDaily();
      const reader = await log.reader(topic, 0, 0);
      expect((await readRecords(reader, 1))[0].ingestedAt).toBe(1000);
      expect(await log.enforceRetention(4400, noGroups)).toEqual({ recordsDropped: 20 });
      expect(await log.offsets(topic, 0)).toEqual({ begin: 20, end: 40 });
      await expect(log.reader(topic, 0, 19)).rejects.toMatchObject({ code: "offset-out-of-range" });
      const kept = await readRecords(await log.reader(topic, 0, 20), 20);
      expect(kept[0]).toMatchObject({ value: "record-20", ingestedAt: 3000 });
      expect(await log.enforceRetention(4400, noGroups)).toEqual({ recordsDropped: 0 });
    });

    it("tells a reader that retention has overtaken", async () => {
      await log.createTopics([{ name: topic, partitions: 1, retentionMs: 1500, retentionBytes: null }]);
      await appendDaily();
      const reader = await log.reader(topic, 0, 0);
      await log.enforceRetention(4400, noGroups);
      const drain = async (): Promise<unknown> => readRecords(reader, 40);
      await expect(drain()).rejects.toMatchObject({ code: "offset-out-of-range" });
    });

    it("drops by bytes, oldest first, and never uses an offset again", async () => {
      await log.createTopics([{ name: topic, partitions: 1, retentionMs: null, retentionBytes: 1 }]);
      await appendDaily();
      expect(await log.enforceRetention(4000, noGroups)).toEqual({ recordsDropped: 40 });
      expect(await log.offsets(topic, 0)).toEqual({ begin: 40, end: 40 });
      expect((await log.append([batchOf(topic, 0, ["next"])])).baseOffsets).toEqual([40]);
    });

    it("spares what a consumer group has not processed", async () => {
      await log.createTopics([{ name: topic, partitions: 1, retentionMs: 1, retentionBytes: null }]);
      await appendDaily();
      await log.commitOffsets("pipeline", [{ topic, partition: 0, offset: 20 }]);
      expect(await log.enforceRetention(1_000_000, noGroups)).toEqual({ recordsDropped: 20 });
    });

    it("spares everything from a group that has to process it and has not begun", async () => {
      await log.createTopics([{ name: topic, partitions: 2, retentionMs: 1, retentionBytes: 1 }]);
      await appendDaily();
      await log.append([batchOf(topic, 1, numbered(10))]);
      const groupsOf = (name: string, partition: number): string[] =>
        name === topic && partition === 0 ? ["pipeline", "features"] : [];
      // Partition 1 is nobody's: it goes by age alone.
      expect(await log.enforceRetention(1_000_000, groupsOf)).toEqual({ recordsDropped: 10 });
      await log.commitOffsets("pipeline", [{ topic, partition: 0, offset: 30 }]);
      expect(await log.enforceRetention(1_000_000, groupsOf)).toEqual({ recordsDropped: 0 });
      await log.commitOffsets("features", [{ topic, partition: 0, offset: 10 }]);
      expect(await log.enforceRetention(1_000_000, groupsOf)).toEqual({ recordsDropped: 10 });
    });
  });
}
