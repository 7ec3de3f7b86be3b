import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MillraceError, RECORD_PADDING } from "../../../schema/index.ts";
import { batchOf } from "../../ports/event-log.contract.ts";
import { BATCH_CHECKED_FROM, BROKER_TIME, CONTROL, readInt16 } from "./batch-header.ts";
import type { ProduceCodec } from "./codecs.ts";
import { crc32c } from "./crc32c.ts";
import {
  type BatchSeal,
  type EncodedRecords,
  encodeEndOfInput,
  encodeKeyed,
  encodeValues,
  sealBatch,
} from "./encode-batch.ts";
import javaBatches from "./java-batches.fixture.json" with { type: "json" };
import { type AbortedTransaction, endOfBatches, type RecordRun, RecordSet } from "./record-set.ts";

const TIME = 1_700_000_000_000;
const SEAL: BatchSeal = {
  codec: "none",
  timestamp: TIME,
  producerId: 7,
  producerEpoch: 0,
  baseSequence: 0,
  transactional: false,
};

/** A batch as a broker returns it: with its offset. */
function placed(offset: number, records: EncodedRecords, seal: Partial<BatchSeal> = {}): Buffer {
  const batch = sealBatch(records, { ...SEAL, ...seal });
  batch.writeBigInt64BE(BigInt(offset), 0);
  return batch;
}

const values = (...texts: (string | Uint8Array)[]): EncodedRecords => encodeValues([batchOf("t", 0, texts)]);

/** The end of a producer's transaction. */
function marker(offset: number, producerId: number, type: "abort" | "commit"): Buffer {
  const key = Uint8Array.of(0, 0, 0, type === "abort" ? 0 : 1);
  const batch = placed(offset, encodeKeyed(key, new Uint8Array(6)), { producerId, transactional: true });
  batch.writeInt16BE(readInt16(batch, 21) | CONTROL, 21);
  return resealed(batch);
}

function resealed(batch: Buffer): Buffer {
  batch.writeUInt32BE(crc32c(batch, BATCH_CHECKED_FROM, batch.length), 17);
  return batch;
}

interface Seen {
  readonly offset: number;
  readonly value: string;
  readonly control: string;
}

function readAll(bytes: Uint8Array, position = 0, aborted: AbortedTransaction[] = []) {
  const set = new RecordSet({ bytes, from: 0, to: bytes.length }, position, aborted);
  const seen: Seen[] = [];
  const runs: number[] = [];
  for (let run = set.next(); run !== null; run = set.next()) {
    expect(run.count).toBeGreaterThan(0);
    expect(run.bytes.length).toBeGreaterThanOrEqual(run.ends[run.count - 1] + RECORD_PADDING);
    expect(set.position).toBe(run.nextOffset);
    expect(run.nextOffset).toBeGreaterThanOrEqual(run.baseOffset + run.count);
    runs.push(run.count);
    for (let i = 0; i < run.count; i++) {
      const value = Buffer.from(run.bytes.subarray(run.starts[i], run.ends[i])).toString("latin1");
      seen.push({ offset: run.baseOffset + i, value, control: run.control });
    }
  }
  return { seen, runs, position: set.position };
}

const texts = (bytes: Uint8Array, position = 0, aborted: AbortedTransaction[] = []): string[] =>
  readAll(bytes, position, aborted).seen.map(({ value }) => value);

const anyValues = fc.array(
  fc.oneof(fc.uint8Array({ maxLength: 90 }), fc.uint8Array({ minLength: 8100, maxLength: 8300 })),
  { minLength: 1, maxLength: 90 },
);
const latin1 = (value: Uint8Array): string => Buffer.from(value).toString("latin1");

describe("RecordSet", () => {
  it("returns what was appended, in every codec that this side writes", () => {
    const codecs = fc.constantFrom<ProduceCodec>("none", "gzip", "zstd");
    fc.assert(
      fc.property(anyValues, codecs, fc.nat(2 ** 40), (all, codec, offset) => {
        const { seen, position } = readAll(placed(offset, values(...all), { codec }));
        expect(seen.map(({ value }) => value)).toEqual(all.map(latin1));
        expect(seen.map((record) => record.offset)).toEqual(all.map((_, i) => offset + i));
        expect(position).toBe(offset + all.length);
      }),
      { numRuns: 60 },
    );
  });

  it("reads what Kafka's Java producer wrote, in every codec", () => {
    const digest = (lines: readonly string[]) =>
      createHash("sha256")
        .update(lines.map((line) => `${line}\n`).join(""))
        .digest("hex");
    for (const [codec, base64] of Object.entries(javaBatches)) {
      const lines = texts(Buffer.from(base64, "base64"));
      expect([codec, lines.length, digest(lines)]).toEqual([
        codec,
        40,
        "d105623bb1c9e2fba7736742be70ffb2360188c342d1c1a08cf8a998b642d8dc",
      ]);
    }
  });

  it("begins in the middle of a batch, and passes over batches before", () => {
    const bytes = Buffer.concat([placed(10, values("a", "b", "c")), placed(13, values("d", "e"))]);
    for (let position = 10; position <= 15; position++) {
      expect(texts(bytes, position)).toEqual(["a", "b", "c", "d", "e"].slice(position - 10));
    }
  });

  it("ends before a batch that was cut off, wherever that was", () => {
    const first = placed(0, values("a", "b"));
    const bytes = Buffer.concat([first, placed(2, values("c"))]);
    for (let length = 0; length < bytes.length; length++) {
      const whole = length < first.length ? [] : ["a", "b"];
      expect(texts(bytes.subarray(0, length))).toEqual(whole);
      expect(endOfBatches(bytes, 0, length)).toBe(whole.length === 0 ? null : 2);
    }
  });

  it("joins small batches of one time span, and nothing across gaps, spans or markers", () => {
    const batches = [
      placed(0, values("a")),
      placed(1, values("b", "c")),
      placed(3, values("d"), { timestamp: TIME + 10 }),
      placed(7, values("e"), { timestamp: TIME + 10 }),
      placed(8, encodeEndOfInput(), { timestamp: TIME + 10 }),
      placed(9, values("f"), { timestamp: TIME + 10 }),
    ];
    const { seen, runs } = readAll(Buffer.concat(batches));
    expect(runs).toEqual([3, 1, 1, 1, 1]);
    expect(seen.map(({ offset }) => offset)).toEqual([0, 1, 2, 3, 7, 8, 9]);
    expect(seen.find(({ control }) => control !== "data")).toEqual({
      offset: 8,
      value: "",
      control: "end-of-input",
    });
  });

  it("gives records with times of their own in runs of one time span, and joins none to them", () => {
    const at = (ingestedAt: number, ...texts: string[]) => ({ ...batchOf("t", 0, texts), ingestedAt });
    const history = [at(TIME, "a", "b"), at(TIME + 3, "c"), at(TIME + 10, "d"), at(TIME + 2 ** 31 - 1, "e")];
    const bytes = Buffer.concat([placed(0, encodeValues(history)), placed(5, values("f"))]);
    const set = new RecordSet({ bytes, from: 0, to: bytes.length }, 0);
    const runs: RecordRun[] = [];
    for (let run = set.next(); run !== null; run = set.next()) runs.push(run);
    expect(
      runs.map(({ baseOffset, count, ingestedAt, sequence }) => [
        baseOffset,
        count,
        ingestedAt - TIME,
        sequence,
      ]),
    ).toEqual([
      [0, 3, 0, TIME / 10],
      [3, 1, 10, TIME / 10 + 1],
      [4, 1, 2 ** 31 - 1, Math.floor((TIME + 2 ** 31 - 1) / 10)],
      [5, 1, 0, TIME / 10],
    ]);
    // A broker's time is that of every record.
    const stamped = placed(0, encodeValues(history));
    stamped.writeInt16BE(readInt16(stamped, 21) | BROKER_TIME, 21);
    expect(readAll(resealed(stamped)).runs).toEqual([5]);
  });

  it("joins small compressed batches too", () => {
    const long = "x".repeat(600);
    const bytes = Buffer.concat([0, 1, 2].map((i) => placed(i, values(`${i}${long}`), { codec: "zstd" })));
    expect(readAll(bytes).runs).toEqual([3]);
    expect(texts(bytes, 1)).toEqual([`1${long}`, `2${long}`]);
  });

  it("leaves out markers and rolled back records, and has its position behind them", () => {
    const one = { producerId: 1, transactional: true };
    const two = { producerId: 2, transactional: true };
    const bytes = Buffer.concat([
      placed(0, values("rolled-back-1"), one),
      placed(1, values("kept-2"), two),
      placed(2, values("kept-plain")),
      marker(3, 1, "abort"),
      placed(4, values("kept-1"), one),
      marker(5, 2, "commit"),
      placed(6, values("rolled-back-2"), two),
      marker(7, 1, "commit"),
      marker(8, 2, "abort"),
    ]);
    const aborted = [
      { producerId: 2, firstOffset: 6 },
      { producerId: 1, firstOffset: 0 },
    ];
    const { seen, position } = readAll(bytes, 0, aborted);
    expect(seen.map(({ offset, value }) => [offset, value])).toEqual([
      [1, "kept-2"],
      [2, "kept-plain"],
      [4, "kept-1"],
    ]);
    expect(position).toBe(9);
    expect(readAll(bytes.subarray(bytes.length - marker(8, 2, "abort").length), 8, []).position).toBe(9);
  });

  it("refuses a batch with any byte changed that the checksum covers", () => {
    const batch = placed(0, values("some value", "another"));
    fc.assert(
      fc.property(
        fc.integer({ min: 17, max: batch.length - 1 }),
        fc.integer({ min: 1, max: 255 }),
        (at, change) => {
          const bad = Buffer.from(batch);
          bad[at] ^= change;
          expect(() => texts(bad)).toThrow(expect.objectContaining({ code: "record-batch-corrupt" }));
        },
      ),
    );
  });

  it("refuses nonsense under a right checksum, without a crash or an endless loop", () => {
    const seals = fc.record({ attributes: fc.integer({ min: 0, max: 7 }), count: fc.integer() });
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), seals, (body, { attributes, count }) => {
        const batch = placed(0, { count: 1, bytes: body });
        batch.writeInt16BE(attributes, 21);
        batch.writeInt32BE(count, 57);
        try {
          texts(resealed(batch));
        } catch (error) {
          expect(error).toBeInstanceOf(MillraceError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

const load = createRequire(import.meta.url);
interface KafkajsRecord {
  readonly offsetDelta: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Record<string, Buffer>;
}
const encodeRecord = load("kafkajs/src/protocol/recordBatch/record/v0/index.js") as (
  record: KafkajsRecord,
) => object;
const { RecordBatch: encodeKafkajs } = load("kafkajs/src/protocol/recordBatch/v0/index.js") as {
  RecordBatch(batch: object): Promise<{ readonly buffer: Buffer }>;
};
const decodeKafkajs = load("kafkajs/src/protocol/recordBatch/v0/decoder.js") as (
  decoder: object,
) => Promise<{ readonly records: readonly { readonly value: Buffer; readonly offset: string }[] }>;
const KafkajsDecoder = load("kafkajs/src/protocol/decoder.js") as new (bytes: Buffer) => object;

describe("beside kafkajs", () => {
  const record = fc.record({
    gap: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 70_000 })),
    key: fc.option(fc.uint8Array({ maxLength: 80 })),
    value: fc.option(fc.uint8Array({ maxLength: 300 })),
    headers: fc.dictionary(fc.string({ maxLength: 9 }), fc.uint8Array({ maxLength: 70 }), { maxKeys: 2 }),
  });

  it("reads what it encodes: keys, headers, null values, and gaps of compaction", async () => {
    const all = fc.array(record, { minLength: 1, maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(all, fc.constantFrom(0, 1), async (records, compression) => {
        let delta = -1;
        const written = records.map(({ gap, key, value, headers }) => {
          delta += 1 + gap;
          const entries = Object.entries(headers).map(([name, header]) => [name, Buffer.from(header)]);
          return {
            offsetDelta: delta,
            key: key === null ? null : Buffer.from(key),
            value: value === null ? null : Buffer.from(value),
            headers: Object.fromEntries(entries) as Record<string, Buffer>,
          };
        });
        const { buffer } = await encodeKafkajs({
          compression,
          firstOffset: 1000,
          firstTimestamp: TIME,
          maxTimestamp: TIME,
          lastOffsetDelta: delta,
          producerId: 1,
          records: written.map(encodeRecord),
        });
        expect(readAll(buffer).seen).toEqual(
          written.map(({ offsetDelta, value }) => ({
            offset: 1000 + offsetDelta,
            value: value?.toString("latin1") ?? "",
            control: "data",
          })),
        );
      }),
      { numRuns: 300 },
    );
  });

  it("writes what it decodes", async () => {
    await fc.assert(
      fc.asyncProperty(anyValues, fc.constantFrom<ProduceCodec>("none", "gzip"), async (all, codec) => {
        const batch = placed(50, values(...all), { codec });
        const { records } = await decodeKafkajs(new KafkajsDecoder(batch));
        expect(records.map(({ value }) => value?.toString("latin1") ?? "")).toEqual(all.map(latin1));
        expect(records.map(({ offset }) => Number(offset))).toEqual(all.map((_, i) => 50 + i));
      }),
      { numRuns: 60 },
    );
  });
});
