import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { DuckDbQueryEngine, FileCatalog, LocalObjectStore } from "../../lakehouse/adapters/index.ts";
import {
  createLakePublisher,
  dataFileKey,
  ensureTables,
  ParquetFileWriter,
  type StagedFile,
} from "../../lakehouse/index.ts";
import {
  bronzeTable,
  type Column,
  type CustomerEventBatch,
  createDecoder,
  createInt32Column,
  createKeyColumn,
  customerEventContract,
  type EventDecoder,
  KeyDictionary,
  RECORD_PADDING,
  type RecordBatch,
  RowBuffer,
  RowFlag,
  silverEvents,
  type TableSpec,
  tableName,
} from "../../schema/index.ts";
import type { FeatureKeys } from "../plugin.ts";
import { createRandom } from "./random.ts";

const DAY_MS = 86_400_000;
export const FIXTURE_START = Date.UTC(2026, 0, 5);
const BRONZE = bronzeTable(customerEventContract);

/** JSON records of one partition: shoppers' visits, all within one day, with every kind of trouble. */
export function shopperRecords(count: number, seed: number): string[] {
  const random = createRandom(seed);
  const types = ["page_view", "item_view", "item_view", "search", "cart_add", "cart_remove", "purchase"];
  const records: string[] = [];
  for (let i = 0; i < count; i++) {
    const dice = random();
    if (dice < 0.01) {
      records.push('{"eventId":');
    } else if (dice < 0.03 && i > 0) {
      records.push(records[Math.floor(random() * i)]);
    } else {
      records.push(
        JSON.stringify({
          eventId: `${seed}-${i}`,
          eventType: types[Math.floor(random() * types.length)],
          eventTime: Math.floor(FIXTURE_START + (DAY_MS / 2) * (i / count) + 2_000_000 * random() ** 8),
          userId: `u${seed}-${Math.floor(60 ** random())}`,
          ...(random() < 0.8 ? { productId: `p-ü${Math.floor(400 ** random())}` } : {}),
          ...(random() < 0.7 ? { priceMinor: Math.floor(random() * 90_000), currency: "EUR" } : {}),
          ...(random() < 0.3 ? { quantity: 1 + Math.floor(random() * 4) } : {}),
          ...(random() < 0.1 ? { query: 'it\'s a "query"' } : {}),
        }),
      );
    }
  }
  return records;
}

export function recordBatch(records: readonly string[], partition: number, baseOffset: number): RecordBatch {
  const encoded = records.map((record) => Buffer.from(record));
  const ends = Int32Array.from(encoded, (bytes) => bytes.length);
  for (let i = 1; i < ends.length; i++) ends[i] += ends[i - 1];
  return {
    topic: "customer-events",
    partition,
    baseOffset,
    count: records.length,
    bytes: Buffer.concat([...encoded, Buffer.alloc(RECORD_PADDING)]),
    starts: Int32Array.from(ends, (end, i) => end - encoded[i].length),
    ends,
    ingestedAt: FIXTURE_START + DAY_MS,
    sequence: 0,
    control: "data",
  };
}

/** A lake in a temporary folder, into which one partition after another is written as the stream does. */
export class TrainingLake {
  readonly store: LocalObjectStore;
  readonly engine: DuckDbQueryEngine;
  private readonly folder: string;
  private readonly deps;
  private epoch = 0;

  private constructor(folder: string) {
    this.folder = folder;
    this.store = new LocalObjectStore(folder);
    const catalog = new FileCatalog({ objectStore: this.store, clock: Date.now });
    this.deps = {
      catalog,
      objectStore: this.store,
      clock: Date.now,
      sleep: (ms: number) => sleep(ms),
      random: createRandom(1),
    };
    this.engine = new DuckDbQueryEngine({ catalog, objectStore: this.store });
  }

  static async create(): Promise<TrainingLake> {
    const lake = new TrainingLake(await mkdtemp(join(tmpdir(), "millrace-training-")));
    await ensureTables([BRONZE, silverEvents], lake.deps);
    return lake;
  }

  /**
   * Decodes the records, `cut` at a time, with dictionaries that hold other keys already; flags
   * repeats; shows each batch to `onBatch`; then publishes bronze and silver.
   */
  async ingest(
    partition: number,
    records: readonly string[],
    cut: number,
    onBatch: (batch: CustomerEventBatch, keys: FeatureKeys) => void = () => {},
  ): Promise<void> {
    const keys = {
      userId: new KeyDictionary("userId"),
      productId: new KeyDictionary("productId"),
      categoryId: new KeyDictionary("categoryId"),
    };
    for (let i = 300; i > 0; i--) keys.productId.internText(`p-ü${i}`);
    const decoder: EventDecoder<CustomerEventBatch> = createDecoder(customerEventContract, {
      keys,
      capacity: cut,
    });
    const bronze = new ParquetFileWriter(BRONZE);
    const silver = new ParquetFileWriter(silverEvents);
    const silverRows = new RowBuffer(silverEvents, (columns, length) => silver.append(columns, 0, length));
    const seen = new Set<string>();
    for (let from = 0; from < records.length; from += cut) {
      const some = recordBatch(records.slice(from, from + cut), partition, from);
      const batch = decoder.decode(some, 0, some.count);
      for (let row = 0; row < batch.length; row++) {
        const id = records[batch.offset[row]];
        batch.flags[row] = seen.has(id) ? RowFlag.duplicate : 0;
        if (!seen.has(id)) addSilverRow(silverRows, batch, row, partition);
        seen.add(id);
      }
      onBatch(batch, keys);
      bronze.append(bronzeColumns(batch, partition), 0, batch.length);
    }
    silverRows.flush();
    const files = [await this.stage(BRONZE, bronze), await this.stage(silverEvents, silver)];
    const publisher = createLakePublisher({ ...this.deps, tables: [BRONZE, silverEvents] });
    await publisher.publish([{ taskId: `t${partition}`, epoch: ++this.epoch, files }]);
  }

  async remove(): Promise<void> {
    await this.engine.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  private async stage(table: TableSpec, writer: ParquetFileWriter): Promise<StagedFile> {
    const { pieces, bytes, rows, splitOffsets, columns } = writer.finish();
    const day = FIXTURE_START / DAY_MS;
    const name = tableName(table);
    const key = dataFileKey(name, { field: "event_time_day", day }, `part-${++this.epoch}`);
    await this.store.put(key, pieces);
    return { table: name, key, rows, bytes, day, columns, splitOffsets };
  }
}

function bronzeColumns(batch: CustomerEventBatch, partition: number): readonly Column[] {
  const topics = new KeyDictionary("_topic", 1);
  topics.internText(batch.topic);
  const partitions = createInt32Column(batch.length, false);
  partitions.values.fill(partition);
  return [
    ...batch.columns,
    createKeyColumn(batch.length, topics),
    partitions,
    { kind: "int64", values: batch.offset, valid: null },
    { kind: "timestamp", values: batch.ingestedAt, valid: null },
    batch.extra,
  ];
}

/** What training reads of silver is which positions it has; its other columns get any value. */
function addSilverRow(rows: RowBuffer, batch: CustomerEventBatch, row: number, partition: number): void {
  const r = rows.next();
  for (const column of rows.columns) {
    if (column.kind === "text") rows.setText(column, r, "x");
    else if ("valid" in column && column.valid !== null) column.valid[r] = 0;
    else if ("values" in column) column.values[r] = 0;
  }
  rows.float64("event_time").values[r] = batch.eventTime.values[row];
  rows.int32("_partition").values[r] = partition;
  rows.float64("_offset").values[r] = batch.offset[row];
}
