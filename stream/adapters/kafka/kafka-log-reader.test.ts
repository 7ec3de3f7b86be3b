import { beforeEach, describe, expect, test } from "vitest";
import { RECORD_PADDING, type RecordBatch } from "../../../schema/index.ts";
import { batchOf } from "../../ports/event-log.contract.ts";
import { encodeEndOfInput, encodeValues, sealBatch } from "./encode-batch.ts";
import { KafkaLogReader } from "./kafka-log-reader.ts";
import { SPAN_MS } from "./record-set.ts";

const TIME = 1_700_000_000_000;
const LIMITS = { recordsMax: 100, bytesMax: 1 << 16 };
const ANY = { ...LIMITS, sequenceBelow: Number.POSITIVE_INFINITY };

interface Stored {
  readonly offset: number;
  readonly afterMs: number;
  /** None: the mark of the input's end. */
  readonly values: readonly string[];
  readonly codec?: "none" | "zstd";
}

function stored({ offset, afterMs, values, codec = "none" }: Stored): Buffer {
  const records = values.length === 0 ? encodeEndOfInput() : encodeValues([batchOf("t", 0, values)]);
  const batch = sealBatch(records, {
    codec,
    timestamp: TIME + afterMs,
    producerId: 7,
    producerEpoch: 0,
    baseSequence: 0,
    transactional: false,
  });
  batch.writeBigInt64BE(BigInt(offset), 0);
  return batch;
}

const valuesOf = ({ bytes, starts, ends, count }: RecordBatch): string[] =>
  Array.from({ length: count }, (_, i) => Buffer.from(bytes.subarray(starts[i], ends[i])).toString());

describe("a Kafka reader reads on", () => {
  let reader: KafkaLogReader;

  beforeEach(() => {
    const changed = { wanted: () => undefined, closed: () => undefined };
    reader = new KafkaLogReader({ topic: "t", partition: 0, offset: 0 }, changed);
  });

  /** Each answer of a fetch brings some batches. */
  function fetch(...batches: Stored[]): void {
    const bytes = Buffer.concat(batches.map(stored));
    reader.accept(bytes, { from: 0, to: bytes.length, aborted: [], stableOffset: 1000 } as never);
  }

  function readOn(limits: Parameters<KafkaLogReader["readOn"]>[1] = ANY): RecordBatch {
    return reader.readOn(reader.read(limits) as RecordBatch, limits);
  }

  test.each(["none", "zstd"] as const)(
    "over time spans and fetches, each record with its time (%s)",
    (codec) => {
      fetch(
        { offset: 0, afterMs: 0, values: ["a", "", "é€😀"], codec },
        { offset: 3, afterMs: SPAN_MS, values: ["d"], codec },
      );
      fetch({ offset: 4, afterMs: 3 * SPAN_MS, values: ["e", "f"], codec });
      const batch = readOn();
      expect(valuesOf(batch)).toEqual(["a", "", "é€😀", "d", "e", "f"]);
      expect(batch).toMatchObject({
        baseOffset: 0,
        ingestedAt: TIME,
        sequence: TIME / SPAN_MS,
        control: "data",
      });
      const times = [TIME, TIME, TIME, TIME + SPAN_MS, TIME + 3 * SPAN_MS, TIME + 3 * SPAN_MS];
      expect([...(batch.ingestTimes as Float64Array).subarray(0, 6)]).toEqual(times);
      expect(batch.bytes.length).toBeGreaterThanOrEqual(batch.ends[5] + RECORD_PADDING);
      expect(reader.position).toBe(6);
      expect(reader.read(LIMITS)).toBeNull();
    },
  );

  test("up to the sequence of another input's next batch, and no further", () => {
    fetch(
      { offset: 0, afterMs: 0, values: ["a"] },
      { offset: 1, afterMs: SPAN_MS, values: ["b"] },
      { offset: 2, afterMs: 2 * SPAN_MS, values: ["c"] },
    );
    const batch = readOn({ ...ANY, sequenceBelow: TIME / SPAN_MS + 2 });
    expect(valuesOf(batch)).toEqual(["a", "b"]);
    expect(reader.position).toBe(2);
    expect(valuesOf(reader.read(LIMITS) as RecordBatch)).toEqual(["c"]);
  });

  test("not over offsets that are left out, nor into the mark of an input's end or behind it", () => {
    fetch(
      { offset: 0, afterMs: 0, values: ["a"] },
      { offset: 2, afterMs: 0, values: ["b"] },
      { offset: 3, afterMs: SPAN_MS, values: [] },
      { offset: 4, afterMs: SPAN_MS, values: ["c"] },
    );
    const batches = [readOn(), readOn(), readOn(), readOn()];
    expect(batches.map(({ baseOffset }) => baseOffset)).toEqual([0, 2, 3, 4]);
    expect(batches.map(({ control }) => control)).toEqual(["data", "data", "end-of-input", "data"]);
  });

  test("within the limits of records and of bytes", () => {
    fetch(
      { offset: 0, afterMs: 0, values: ["a", "b"] },
      { offset: 2, afterMs: SPAN_MS, values: ["c", "d"] },
      { offset: 4, afterMs: 2 * SPAN_MS, values: ["e".repeat(500)] },
    );
    expect(readOn({ ...ANY, recordsMax: 3 }).count).toBe(2);
    expect(readOn({ ...ANY, bytesMax: 400 }).count).toBe(2);
    expect(readOn().count).toBe(1);
  });

  test("nothing behind a damaged batch, however often it is asked", () => {
    const batches = [
      { offset: 0, afterMs: 0, values: ["a"] },
      { offset: 1, afterMs: SPAN_MS, values: ["b"] },
      { offset: 2, afterMs: 2 * SPAN_MS, values: ["c"] },
    ].map(stored);
    batches[1][batches[1].length - 2] ^= 1;
    const bytes = Buffer.concat(batches);
    reader.accept(bytes, { from: 0, to: bytes.length, aborted: [], stableOffset: 1000 } as never);
    expect(valuesOf(reader.read(LIMITS) as RecordBatch)).toEqual(["a"]);
    for (let i = 0; i < 3; i++) {
      expect(() => reader.read(LIMITS)).toThrow(/t\[0\] cannot be read behind offset 1/);
      expect(reader.position).toBe(1);
    }
  });
});

describe("a Kafka reader beside others in the same answers", () => {
  const ANSWER_BYTES = 1 << 20;
  const HELD_BYTES_MAX = 8 << 20;
  let reader: KafkaLogReader;

  beforeEach(() => {
    const changed = { wanted: () => undefined, closed: () => undefined };
    reader = new KafkaLogReader({ topic: "t", partition: 0, offset: 0 }, changed);
  });

  /** Takes one record as its share of an answer, whose other bytes are for others. */
  function share(value: string): ArrayBufferLike {
    const offset = reader.fetchOffset;
    const batch = stored({ offset, afterMs: offset * SPAN_MS, values: [value] });
    const bytes = Buffer.allocUnsafeSlow(ANSWER_BYTES).fill(1);
    const from = 100;
    const to = from + batch.copy(bytes, from);
    reader.accept(bytes, { from, to, aborted: [], stableOffset: offset + 1 } as never);
    return bytes.buffer;
  }

  function readAll(): RecordBatch[] {
    const batches: RecordBatch[] = [];
    for (let batch = reader.read(LIMITS); batch !== null; batch = reader.read(LIMITS)) batches.push(batch);
    return batches;
  }

  test.each([
    ["small", 1],
    ["a sixth", ANSWER_BYTES / 6],
    ["a quarter", ANSWER_BYTES / 4],
  ])("keeps no more of them from being freed than it may buffer, unread (%s)", (_, bytes) => {
    const values: string[] = [];
    while (reader.wantsRecords && values.length < 50) {
      values.push(String(values.length).padEnd(bytes, "."));
      share(values[values.length - 1]);
    }
    const batches = readAll();
    const held = new Set(batches.map((batch) => batch.bytes.buffer));
    expect([...held].reduce((sum, { byteLength }) => sum + byteLength, 0)).toBeLessThanOrEqual(
      HELD_BYTES_MAX,
    );
    expect(batches.flatMap(valuesOf)).toEqual(values);
    expect(reader.wantsRecords).toBe(true);
  });

  test("copies nothing while it keeps up, nor a quarter of an answer", () => {
    for (const value of ["a", "b", "c"]) {
      const answer = share(value);
      expect(readAll().map(({ bytes }) => bytes.buffer)).toEqual([answer]);
    }
    const quarter = ".".repeat(ANSWER_BYTES / 4 - 200);
    const answers = [share(quarter), share(quarter)];
    expect(readAll().every(({ bytes }, i) => bytes.buffer === answers[i])).toBe(true);
  });
});
