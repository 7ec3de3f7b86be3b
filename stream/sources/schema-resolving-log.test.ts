import { afterEach, expect, test } from "vitest";
import {
  encodeAvro,
  encodeJson,
  inventoryUpdateContract,
  MillraceError,
  type RecordBatch,
  type WriterSchema,
  writerSchemaOf,
} from "../../schema/index.ts";
import { LmdbEventLog } from "../adapters/lmdb-event-log.ts";
import { temporaryFolder } from "../adapters/testing.ts";
import { batchOf } from "../ports/event-log.contract.ts";
import { createSchemaResolvingLog } from "./schema-resolving-log.ts";

const LIMITS = { recordsMax: 100, bytesMax: 1 << 20 };
const topic = inventoryUpdateContract.topic;
const event = {
  eventId: "e",
  productId: "p",
  updateTime: 1,
  warehouseId: "w",
  kind: "delta",
  quantity: 1,
} as const;

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

/** A log with the records in one batch, and a source that answers with `resolve`. */
async function open(
  records: readonly Uint8Array[],
  resolve: (ids: readonly number[]) => Promise<void>,
  to = topic,
) {
  const folder = await temporaryFolder();
  const lmdb = new LmdbEventLog({ path: folder.path, clock: () => 1 });
  cleanups.push(async () => {
    await lmdb.close();
    await folder.remove();
  });
  const schemas = new Map<number, WriterSchema | null>();
  const asked: (readonly number[])[] = [];
  const log = createSchemaResolvingLog(lmdb, {
    schemas,
    resolve: (ids) => {
      asked.push(ids);
      return resolve(ids);
    },
  });
  await log.createTopics([{ name: to, partitions: 1, retentionMs: null, retentionBytes: null }]);
  await log.append([batchOf(to, 0, records)]);
  return { log, reader: await log.reader(to, 0, 0), schemas, asked };
}

const avro = (id: number) => encodeAvro(inventoryUpdateContract, event, id);
const json = encodeJson(inventoryUpdateContract, event);

test("a batch is handed out whole when its ids are known, the most frequent asked for first", async () => {
  let answer = (): void => undefined;
  const { reader, schemas, asked } = await open(
    [avro(300), json, avro(70_000), avro(70_000)],
    () =>
      new Promise((resolve) => {
        answer = resolve;
      }),
  );
  expect(reader.read(LIMITS)).toBeNull();
  expect(reader.position).toBe(0);
  expect(reader.read(LIMITS)).toBeNull();
  await reader.wait(1);
  schemas.set(300, null);
  schemas.set(70_000, writerSchemaOf(inventoryUpdateContract));
  answer();
  await reader.wait(60_000);
  expect(reader.read(LIMITS)).toMatchObject({ baseOffset: 0, count: 4 });
  expect(reader.position).toBe(4);
  expect(asked).toEqual([[70_000, 300]]);
});

test("what may pass is asked again at the next read; nothing is skipped", async () => {
  const error = new MillraceError("down", { code: "registry-unreachable", origin: "external", retry: true });
  const { reader, schemas, asked } = await open([avro(9)], () => Promise.reject(error));
  for (let tries = 1; tries <= 3; tries++) {
    expect(reader.read(LIMITS)).toBeNull();
    await reader.wait(60_000);
    expect(asked).toHaveLength(tries);
  }
  schemas.set(9, null);
  expect(reader.read(LIMITS)?.count).toBe(1);
});

test("what does not pass by itself is thrown", async () => {
  const error = new MillraceError("who are you?", { code: "registry-credentials", origin: "user" });
  const { reader } = await open([avro(9)], () => Promise.reject(error));
  expect(reader.read(LIMITS)).toBeNull();
  await reader.wait(60_000);
  expect(() => reader.read(LIMITS)).toThrow("who are you?");
});

test("of batches that are joined, what follows one that is known is held until its ids are", async () => {
  const { log, reader, schemas, asked } = await open([json], async () => void schemas.set(9, null));
  await log.append([batchOf(topic, 0, [avro(9), json])]);
  await log.append([batchOf(topic, 0, [json])]);
  reader.look?.();
  const first = reader.read(LIMITS) as RecordBatch;
  const readOn = reader.readOn?.(first, { ...LIMITS, sequenceBelow: Number.POSITIVE_INFINITY });
  expect(readOn).toMatchObject({ baseOffset: 0, count: 1 });
  expect([reader.position, reader.isBehind, reader.read(LIMITS)]).toEqual([1, true, null]);
  await reader.wait(60_000);
  expect(reader.read(LIMITS)).toMatchObject({ baseOffset: 1, count: 3 });
  expect([reader.position, reader.isBehind, asked]).toEqual([4, false, [[9]]]);
});

test("topics of other forms are left alone", async () => {
  const { reader, asked } = await open([avro(9)], () => Promise.resolve(), "product-panes");
  expect(reader.read(LIMITS)?.count).toBe(1);
  expect(asked).toEqual([]);
});
