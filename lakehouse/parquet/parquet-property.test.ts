import { expect, test } from "vitest";
import { ensurePython } from "../../infra/tools/test-tools.ts";
import {
  type Column,
  createKeyColumn,
  defineTable,
  KeyDictionary,
  type LakeColumn,
  type TableSpec,
} from "../../schema/index.ts";
import type { ObjectBytes } from "../ports/object-store.ts";
import { ParquetFileWriter, type ParquetWriterOptions } from "./index.ts";
import { columnOf, type StringForm } from "./testing/plain-columns.ts";
import { canonicalValue, type PlainValue, readBack } from "./testing/read-back.ts";

/** Set it to the printed seed to see a failure again. */
const SEED = Number(process.env.MILLRACE_TEST_SEED ?? Date.now() % 1_000_000_007);
const FILES = 16;
const TYPES: LakeColumn["type"][] = [
  "string",
  "string",
  "string",
  "int",
  "long",
  "double",
  "boolean",
  "timestamptz",
];

type Random = () => number;

/** Mulberry32 (Tommy Ettinger, public domain). */
function createRandom(seed: number): Random {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function pick<T>(random: Random, items: readonly T[]): T {
  return items[Math.floor(random() * items.length)];
}

const below = (random: Random, limit: number): number => Math.floor(random() * limit);

function randomText(random: Random, length: number): string {
  return Array.from({ length }, () =>
    pick(random, ["a", "b", "0", " ", "é", "語", "😀", "\u{10ffff}", "\u0000"]),
  ).join("");
}

/** Whole numbers of a magnitude that is itself random, up to ±limit. */
function randomInteger(random: Random, limit: number): number {
  const magnitude = Math.floor((limit + 1) ** random()) - 1;
  return Math.max(-limit, Math.min(limit, random() < 0.5 ? magnitude : -magnitude));
}

const LIMITS = { int: 2 ** 31 - 1, long: Number.MAX_SAFE_INTEGER, timestamptz: 253_402_300_799_999 } as const;

/** A generator of values with a pattern of its own: constant, few, ascending, wide, distinct. */
function createValues(random: Random, type: LakeColumn["type"]): (row: number) => PlainValue {
  const shape = pick(random, ["constant", "few", "ascending", "wide", "mixed"] as const);
  if (type === "boolean") return () => random() < (shape === "constant" ? 1 : 0.5);
  if (type === "string") return createStrings(random, shape);
  if (type === "double") {
    const special = [0, -0, Infinity, -Infinity, 5e-324, 1.5];
    const withNan = random() < 0.3;
    return () => {
      if (shape === "constant") return 2.5;
      if (withNan && random() < 0.01) return NaN;
      return shape === "few" ? pick(random, special) : (random() - 0.5) * 10 ** below(random, 300);
    };
  }
  const limit = type === "timestamptz" ? 62_135_596_800_000 : LIMITS[type];
  const base = randomInteger(random, limit / 2);
  const step = below(random, 1000);
  return (row) => {
    if (shape === "constant") return base;
    if (shape === "few") return below(random, 5);
    if (shape === "ascending") return Math.trunc(base) + row * step + below(random, 50);
    if (shape === "mixed" && random() < 0.9) return Math.trunc(base);
    return random() < 0.01 ? pick(random, [limit, -limit]) : randomInteger(random, limit);
  };
}

function createStrings(random: Random, shape: string): (row: number) => string {
  const few = Array.from({ length: 1 + below(random, 300) }, () => randomText(random, below(random, 30)));
  return (row) => {
    if (shape === "constant") return few[0];
    if (shape === "few") return pick(random, few);
    if (shape === "ascending") return `id-${String(row).padStart(9, "0")}-${few[0]}`;
    if (shape === "mixed" && random() < 0.9) return pick(random, few);
    return randomText(random, random() < 0.005 ? 3000 : below(random, 24));
  };
}

interface RandomFile {
  readonly table: TableSpec;
  readonly values: Record<string, PlainValue[]>;
  readonly bytes: ObjectBytes;
  readonly description: string;
}

function randomTable(random: Random): TableSpec {
  return defineTable({
    namespace: "silver",
    name: "random",
    doc: "",
    partitionByDayOf: "c0",
    key: ["c0"],
    columns: TYPES.map((type, index) => [
      `c${index}`,
      type,
      pick(random, ["required", "optional"] as const),
      "",
    ]),
  });
}

function randomFile(seed: number): RandomFile {
  const random = createRandom(seed);
  const table = randomTable(random);
  const options: ParquetWriterOptions = {
    pageRows: pick(random, [1, 7, 8, 100, 1000, 5000, 65_536]),
    rowGroupRows: pick(random, [500, 3000, 1_000_000]),
    pageBytes: pick(random, [100, 5000, 1_000_000]),
    dictionaryBytes: pick(random, [50, 5000, 8_000_000]),
    encodings: pick(random, ["delta", "delta", "plain"]),
  };
  const rows = pick(random, [1, 10, 500, 3000, 9000]);
  const values: Record<string, PlainValue[]> = {};
  for (const { name, type, required } of table.columns) {
    const value = createValues(random, type);
    const nullShare = required ? 0 : pick(random, [0, 0.01, 0.5, 0.99, 1]);
    const nullRun = pick(random, [1, 1, 200]);
    let isNull = false;
    values[name] = Array.from({ length: rows }, (_, row) => {
      if (row % nullRun === 0) isNull = random() < nullShare;
      return isNull ? null : value(row);
    });
  }
  // Every other file is written with the buffers of a writer that has finished the same rows.
  let writer = new ParquetFileWriter(table, options);
  appendInBatches(random, writer, table, values, rows);
  if (random() < 0.5) {
    writer.finish();
    writer = new ParquetFileWriter(table, options, writer);
    appendInBatches(random, writer, table, values, rows);
  }
  return {
    table,
    values,
    bytes: writer.finish().pieces,
    description: JSON.stringify({ seed, rows, options }),
  };
}

/** What a decoder and an interner say about a text column; sometimes a new generation of ids begins. */
function annotate(random: Random, column: Column, rows: number, interned: KeyDictionary): void {
  if (random() < 0.1) interned.reset();
  if (column.kind !== "text" || random() < 0.4) return;
  column.interned = createKeyColumn(rows, interned);
  const { bytes, start, end } = column;
  column.empty = interned.internRows(bytes, start, end, column.interned.ids) === 0;
}

/** Batches of random sizes, some shuffled and restored by a selection, in any form of strings. */
function appendInBatches(
  random: Random,
  writer: ParquetFileWriter,
  table: TableSpec,
  values: Record<string, PlainValue[]>,
  rows: number,
): void {
  const interned = table.columns.map(({ name }) => new KeyDictionary(name, 1));
  const forms: StringForm[] = ["text", "enum", new KeyDictionary("a"), new KeyDictionary("b")];
  const steady = random() < 0.5 ? pick(random, forms) : null;
  for (let from = 0; from < rows; ) {
    const count = Math.min(rows - from, 1 + below(random, pick(random, [10, 1000, 5000])));
    const order = Int32Array.from({ length: count }, (_, i) => i);
    const selected = random() < 0.5;
    if (selected) order.sort(() => random() - 0.5);
    const columns = table.columns.map((column, index) => {
      const batch: PlainValue[] = new Array(count);
      order.forEach((position, i) => {
        batch[position] = values[column.name][from + i];
      });
      const filled = columnOf(column, batch, steady ?? pick(random, forms));
      annotate(random, filled, count, interned[index]);
      return filled;
    });
    writer.append(columns, 0, count, selected ? order : undefined);
    from += count;
  }
}

test(`random tables are read back equal by all readers (seed ${SEED})`, async () => {
  const files = Array.from({ length: FILES }, (_, index) => randomFile(SEED + index));
  const results = await readBack(await ensurePython(), files);
  files.forEach((file, index) => {
    const read = results[index];
    for (const { name, type } of file.table.columns) {
      const expected = file.values[name].map((value) => canonicalValue(type, value));
      for (const reader of ["pyarrow", "duckdb", "duckdbNode", "hyparquet"] as const) {
        expect(read[reader][name], `${name} (${type}) by ${reader}, ${file.description}`).toEqual(expected);
      }
    }
    expect(read.problems, file.description).toEqual([]);
  });
});
