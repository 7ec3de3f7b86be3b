import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import {
  type Column,
  createEnumColumn,
  createFloat64Column,
  createInt32Column,
  createKeyColumn,
  createTextColumn,
  defineTable,
  KeyDictionary,
  NULL_ENUM,
  type TextColumn,
} from "../../schema/index.ts";
import { ParquetFileWriter, type ParquetWriterOptions } from "./index.ts";

/**
 * CPU per row of the bronze table of customer events: 18 fields of the contract, of which 11
 * are set on most rows, and 5 of the log. Run: `npx node lakehouse/parquet/parquet.bench.ts [ROWS] [FILE]`.
 */
const ROWS = Number(process.argv[2] ?? 1_000_000);
const FILE = process.argv[3];
const BATCH = 2048;
const DISTINCT_BATCHES = 128;
const USERS = 200_000;
const PRODUCTS = 20_000;
const SYMBOLS = [
  "page_view",
  "item_view",
  "click",
  "search",
  "cart_add",
  "cart_remove",
  "checkout",
  "purchase",
];

const table = defineTable({
  namespace: "bronze",
  name: "customer_events",
  doc: "Benchmark.",
  partitionByDayOf: "event_time",
  key: ["_partition", "_offset"],
  columns: [
    ["event_id", "string", "required", ""],
    ["event_type", "string", "required", ""],
    ["event_time", "timestamptz", "required", ""],
    ["user_id", "string", "required", ""],
    ["session_id", "string", "optional", ""],
    ["product_id", "string", "optional", ""],
    ["category_id", "string", "optional", ""],
    ["category_code", "string", "optional", ""],
    ["brand", "string", "optional", ""],
    ["price_minor", "long", "optional", ""],
    ["currency", "string", "optional", ""],
    ["quantity", "int", "optional", ""],
    ["order_id", "string", "optional", ""],
    ["query", "string", "optional", ""],
    ["page_url", "string", "optional", ""],
    ["referrer", "string", "optional", ""],
    ["device", "string", "optional", ""],
    ["country", "string", "optional", ""],
    ["_topic", "string", "required", ""],
    ["_partition", "int", "required", ""],
    ["_offset", "long", "required", ""],
    ["_ingested_at", "timestamptz", "required", ""],
    ["_extra", "string", "optional", ""],
  ],
});

let seed = 12345;
function random(): number {
  seed = (Math.imul(seed, 1664525) + 1013904223) | 0;
  return (seed >>> 0) / 4294967296;
}

/** Zipf-like: rank r with a density proportional to 1/r. */
function zipf(count: number): number {
  return Math.floor(count ** random()) - 1;
}

const users = new KeyDictionary("users");
const products = new KeyDictionary("products");
const categories = new KeyDictionary("categories");
const topics = new KeyDictionary("topics");
topics.internText("customer-events");

function texts(values: readonly (string | null)[]): TextColumn {
  const column = createTextColumn(values.length);
  column.bytes = Buffer.concat([Buffer.from(values.join("")), Buffer.alloc(64)]);
  let at = 0;
  values.forEach((value, i) => {
    column.start[i] = value === null ? -1 : at;
    at += value === null ? 0 : Buffer.byteLength(value);
    column.end[i] = value === null ? -1 : at;
  });
  return column;
}

function buildBatch(base: number): Column[] {
  const rows = Array.from({ length: BATCH }, (_, i) => ({
    offset: base + i,
    type: random() < 0.7 ? 0 : random() < 0.5 ? 1 : random() < 0.4 ? 4 : random() < 0.6 ? 3 : 7,
    user: zipf(USERS),
    product: zipf(PRODUCTS),
  }));
  const hasProduct = rows.map((row) => row.type !== 3);
  const text = (value: (row: (typeof rows)[number], i: number) => string | null) => texts(rows.map(value));
  const key = (
    dictionary: KeyDictionary,
    value: (row: (typeof rows)[number], i: number) => string | null,
  ) => {
    const column = createKeyColumn(BATCH, dictionary);
    rows.forEach((row, i) => {
      const entry = value(row, i);
      column.ids[i] = entry === null ? -1 : dictionary.internText(entry);
    });
    return column;
  };
  const number = (
    kind: "int64" | "timestamp",
    nullable: boolean,
    value: (row: (typeof rows)[number], i: number) => number | null,
  ) => {
    const column = createFloat64Column(kind, BATCH, nullable);
    rows.forEach((row, i) => {
      const entry = value(row, i);
      column.values[i] = entry ?? 0;
      if (column.valid !== null) column.valid[i] = entry === null ? 0 : 1;
    });
    return column;
  };
  const eventType = createEnumColumn(BATCH, SYMBOLS);
  rows.forEach((row, i) => {
    eventType.codes[i] = row.type === NULL_ENUM ? 0 : row.type;
  });
  const quantity = createInt32Column(BATCH, true);
  rows.forEach((row, i) => {
    quantity.values[i] = 1 + Math.floor(random() * 3);
    if (quantity.valid !== null) quantity.valid[i] = row.type >= 4 ? 1 : 0;
  });
  const partition = createInt32Column(BATCH, false);
  return [
    text(() => randomUUID()),
    eventType,
    number(
      "timestamp",
      false,
      (row) => 1.76e12 + row.offset / 5 - Math.floor(random() * 2000) - ((row.offset / 5) % 1),
    ),
    key(users, (row) => `user-${row.user}`),
    text((row) => `session-${row.user}-${Math.floor(row.offset / 100_000)}`),
    key(products, (row, i) => (hasProduct[i] ? `product-${row.product}` : null)),
    key(categories, (row, i) => (hasProduct[i] ? `category-${row.product % 300}` : null)),
    text(() => null),
    text(() => null),
    number("int64", true, (row, i) => (hasProduct[i] ? 99 + ((row.product * 7919) % 100_000) : null)),
    text((_, i) => (hasProduct[i] ? "EUR" : null)),
    quantity,
    text((row) => (row.type === 7 ? `order-${row.offset}` : null)),
    text((row) => (row.type === 3 ? `query words ${row.product % 1000}` : null)),
    text(() => null),
    text(() => null),
    text((row) => ["mobile", "desktop", "tablet"][row.user % 3]),
    text((row) => ["DE", "FR", "US", "GB", "ES", "IT"][row.user % 6]),
    key(topics, () => "customer-events"),
    partition,
    number("int64", false, (row) => row.offset),
    number("timestamp", false, (row) => 1.76e12 + Math.floor(row.offset / BATCH) * 400),
    text(() => null),
  ];
}

function measure(
  name: string,
  batches: readonly Column[][],
  options: ParquetWriterOptions,
  last = false,
): void {
  const started = performance.now();
  const cpu = process.cpuUsage();
  const writer = new ParquetFileWriter(table, options);
  for (let at = 0; at < ROWS; at += BATCH) {
    writer.append(batches[(at / BATCH) % batches.length], 0, Math.min(BATCH, ROWS - at));
  }
  const file = writer.finish();
  const used = process.cpuUsage(cpu);
  const micros = (used.user + used.system) / ROWS;
  console.log(
    `${name}: ${micros.toFixed(3)} us CPU a row, ${((performance.now() - started) / 1000).toFixed(2)} s, ${(file.bytes / ROWS).toFixed(1)} bytes a row`,
  );
  if (FILE !== undefined && last) {
    writeFileSync(FILE, Buffer.concat(file.pieces));
    for (const column of file.columns) {
      const { name: columnName } = table.columns[column.id - 1];
      console.log(`  ${columnName}: ${(column.bytes / ROWS).toFixed(2)} bytes a row`);
    }
  }
}

// Enough distinct batches that ids look unique to the encoder's samples; all would need too much memory.
const batches = Array.from({ length: Math.min(DISTINCT_BATCHES, Math.ceil(ROWS / BATCH)) }, (_, i) =>
  buildBatch(i * BATCH),
);
const ROUNDS = 4;
for (let round = 1; round <= ROUNDS; round++) measure("delta", batches, {}, round === ROUNDS);
for (let round = 1; round <= ROUNDS; round++) measure("plain", batches, { encodings: "plain" });
