import { describe, expect, test } from "vitest";
import { ensurePython } from "../../infra/tools/test-tools.ts";
import {
  defineTable,
  KeyDictionary,
  type LakeColumn,
  MillraceError,
  type TableSpec,
} from "../../schema/index.ts";
import { type ParquetFile, ParquetFileWriter, type ParquetWriterOptions } from "./index.ts";
import { columnOf, type StringForm } from "./testing/plain-columns.ts";
import { canonicalValue, type PlainValue, type ReadBack, readBack } from "./testing/read-back.ts";

type Values = Record<string, PlainValue[]>;

const allTypes = defineTable({
  namespace: "bronze",
  name: "all_types",
  doc: "One column of each type, required and optional.",
  partitionByDayOf: "timestamptz_r",
  key: ["int_r"],
  columns: (["string", "int", "long", "double", "boolean", "timestamptz"] as const).flatMap((type) => [
    [`${type}_r`, type, "required", ""] as const,
    [`${type}_o`, type, "optional", ""] as const,
  ]),
});

function tableOf(type: LakeColumn["type"], nullability: "required" | "optional" = "optional"): TableSpec {
  return defineTable({
    namespace: "bronze",
    name: `one_${type}`,
    doc: "",
    partitionByDayOf: "v",
    key: ["v"],
    columns: [["v", type, nullability, ""]],
  });
}

function write(
  table: TableSpec,
  values: Values,
  options: ParquetWriterOptions = {},
  form: StringForm = "text",
  batchRows = 1000,
): ParquetFile {
  const writer = new ParquetFileWriter(table, options);
  const rows = values[table.columns[0].name].length;
  for (let from = 0; from < rows; from += batchRows) {
    const columns = table.columns.map((column) =>
      columnOf(column, values[column.name].slice(from, from + batchRows), form),
    );
    writer.append(columns, 0, Math.min(batchRows, rows - from));
  }
  return writer.finish();
}

function expectSame(table: TableSpec, values: Values, read: ReadBack): void {
  for (const { name, type } of table.columns) {
    const expected = values[name].map((value) => canonicalValue(type, value));
    for (const reader of ["pyarrow", "duckdb", "duckdbNode", "hyparquet"] as const) {
      expect(read[reader][name], `${name} by ${reader}`).toEqual(expected);
    }
  }
  expect(read.problems).toEqual([]);
}

/** Writes one optional column and compares all readers; returns what they reported. */
async function roundTrip(
  type: LakeColumn["type"],
  v: PlainValue[],
  options: ParquetWriterOptions = {},
  form: StringForm = "text",
): Promise<{ read: ReadBack; file: ParquetFile }> {
  const table = tableOf(type);
  const file = write(table, { v }, options, form);
  const [read] = await readBack(await ensurePython(), [{ table, bytes: file.pieces }]);
  expectSame(table, { v }, read);
  return { read, file };
}

const repeat = <T>(count: number, value: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => value(i));
const YEAR_1 = Date.parse("0001-01-01T00:00:00Z");
const YEAR_9999 = Date.UTC(9999, 11, 31, 23, 59, 59, 999);
const SAFE = Number.MAX_SAFE_INTEGER;

describe("every type is read as written by pyarrow, DuckDB and hyparquet", () => {
  const samples: Record<string, PlainValue[]> = {
    string: [
      "",
      "a",
      "Zürich",
      "日本語テキスト",
      "😀",
      "0f8fad5b-d9cb-469f-a165-70867728950e",
      "x".repeat(1000),
    ],
    int: [0, -1, 2147483647, -2147483648, 42],
    long: [0, -1, SAFE, -SAFE, 2 ** 32, -(2 ** 32), 2 ** 31],
    double: [0, -0, 1.5, Number.MAX_VALUE, Number.MIN_VALUE, Infinity, -Infinity, NaN],
    boolean: [true, false, true],
    timestamptz: [0, -1, 1_700_000_000_123, YEAR_1, YEAR_9999],
  };
  const rows = 1003;
  const values: Values = Object.fromEntries(
    allTypes.columns.map(({ name, type, required }) => [
      name,
      repeat(rows, (i) => (!required && i % 3 === 1 ? null : samples[type][i % samples[type].length])),
    ]),
  );

  test.each([
    ["one page", {}],
    ["many pages", { pageRows: 64 }],
    ["many row groups", { pageRows: 50, rowGroupRows: 120 }],
    ["without delta encodings", { pageRows: 200, encodings: "plain" }],
  ] as const)("%s", async (_, options) => {
    const file = write(allTypes, values, options);
    const [read] = await readBack(await ensurePython(), [{ table: allTypes, bytes: file.pieces }]);
    expectSame(allTypes, values, read);
    expect(read.fieldIds).toEqual(allTypes.columns.map((column) => column.id));
    expect(read.nullable).toEqual(allTypes.columns.map((column) => !column.required));
    expect(read.createdBy).toBe("millrace version 0.1.0");
    expect(file.rows).toBe(rows);
    expect(file.splitOffsets).toHaveLength(read.rowGroups);
    expect(file.columns.map(({ id, values: count, nulls }) => [id, count, nulls])).toEqual(
      allTypes.columns.map(({ id, name }) => [
        id,
        rows,
        values[name].filter((value) => value === null).length,
      ]),
    );
  });

  test("a file without rows", async () => {
    const file = new ParquetFileWriter(allTypes).finish();
    const [read] = await readBack(await ensurePython(), [{ table: allTypes, bytes: file.pieces }]);
    expectSame(allTypes, Object.fromEntries(allTypes.columns.map(({ name }) => [name, []])), read);
    expect(file.splitOffsets).toEqual([]);
    expect(file.columns.every(({ values: count, lower }) => count === 0 && lower === null)).toBe(true);
  });

  test("columns of nothing but nulls, over several pages and row groups", async () => {
    const nulls: Values = Object.fromEntries(
      allTypes.columns.map(({ name, type, required }) => [
        name,
        repeat(500, (i) => (required ? samples[type][i % samples[type].length] : null)),
      ]),
    );
    const file = write(allTypes, nulls, { pageRows: 60, rowGroupRows: 250 });
    const [read] = await readBack(await ensurePython(), [{ table: allTypes, bytes: file.pieces }]);
    expectSame(allTypes, nulls, read);
  });
});

describe("strings", () => {
  test("100 kB, multi-byte and empty, across page limits", async () => {
    const long = repeat(40, (i) => (i % 4 === 0 ? null : `${i}${"é😀x".repeat(i % 3 === 0 ? 14_000 : i)}`));
    const { read } = await roundTrip("string", long, { pageBytes: 100_000 });
    expect(read.encodings.v).toContain("DELTA_LENGTH_BYTE_ARRAY");
  });

  test("distinct ids are written without a dictionary, from the early sample on", async () => {
    const ids = repeat(9000, (i) => `0f8fad5b-d9cb-469f-a165-${String(i * 7919).padStart(12, "0")}`);
    const { read } = await roundTrip("string", ids);
    expect(read.encodings.v).toEqual(["DELTA_LENGTH_BYTE_ARRAY", "RLE"]);
    const { read: plain } = await roundTrip("string", ids, { encodings: "plain" });
    expect(plain.encodings.v).toEqual(["PLAIN", "RLE"]);
    const { read: keys } = await roundTrip("string", ids, {}, new KeyDictionary("ids"));
    expect(keys.encodings.v).toEqual(["DELTA_LENGTH_BYTE_ARRAY", "RLE"]);
  });

  test.each([
    ["text", "text"],
    ["enum", "enum"],
    ["key", new KeyDictionary("keys")],
  ] as [string, StringForm][])("few values are written with a dictionary (%s)", async (_, form) => {
    const words = repeat(5000, (i) => (i % 11 === 0 ? null : `word-${(i * i) % 97}`));
    const { read } = await roundTrip("string", words, { pageRows: 700, rowGroupRows: 2100 }, form);
    expect(read.encodings.v).toContain("RLE_DICTIONARY");
    expect(read.encodings.v).not.toContain("DELTA_LENGTH_BYTE_ARRAY");
  });

  test("one value throughout costs a run", async () => {
    const { file } = await roundTrip(
      "string",
      repeat(20_000, () => "customer-events"),
    );
    expect(file.columns[0].bytes).toBeLessThan(300);
  });

  test("a dictionary that grows too large is closed, and the chunk goes on without", async () => {
    const values = repeat(6000, (i) => (i < 3000 ? `repeated-${i % 50}` : `distinct-${i}-${"x".repeat(40)}`));
    const options = { pageRows: 1000, dictionaryBytes: 20_000, pageBytes: 10_000 };
    const { read } = await roundTrip("string", values, options);
    expect(read.encodings.v).toEqual(["DELTA_LENGTH_BYTE_ARRAY", "PLAIN", "RLE", "RLE_DICTIONARY"]);
    await roundTrip("string", values, options, new KeyDictionary("keys"));
  });

  test("a dictionary that closed pages refer to stays, however distinct the pages behind them are", async () => {
    // Sparse at first, as order ids are, and repeated; then thousands of distinct ones in one page.
    const ids = repeat(12_000, (i) => (i < 5000 ? (i % 10 === 0 ? `order-${i % 100}` : null) : `order-${i}`));
    const { read } = await roundTrip("string", ids, { pageRows: 6000 });
    expect(read.encodings.v).toContain("RLE_DICTIONARY");
  });

  test("texts, enums and keys of several dictionaries meet in one column", async () => {
    const table = tableOf("string");
    const writer = new ParquetFileWriter(table, { pageRows: 90, rowGroupRows: 700 });
    const forms: StringForm[] = [new KeyDictionary("a"), new KeyDictionary("b"), "text", "enum"];
    const all: PlainValue[] = [];
    // Each enum batch has a list of symbols of its own: more than are kept at one time.
    for (let batch = 0; batch < 300; batch++) {
      const v = repeat(50, (i) => ((i + batch) % 9 === 0 ? null : `value-${(i * 13 + batch) % 60}`));
      writer.append([columnOf(table.columns[0], v, forms[batch % 4])], 0, v.length);
      all.push(...v);
    }
    const [read] = await readBack(await ensurePython(), [{ table, bytes: writer.finish().pieces }]);
    expectSame(table, { v: all }, read);
  });
});

describe("numbers", () => {
  test.each([
    ["int", [2147483647, -2147483648, 0, 2147483647, -1, -2147483648]],
    ["int", [0, 2147483646, 0, 1, 2147483647, 5]],
    ["long", [SAFE, -SAFE, SAFE - 1, -SAFE + 2, 0, 1, SAFE]],
    ["long", [0, 2 ** 51 - 1, 3, 2 ** 51, 1, 2 ** 33 + 5, 2 ** 40 + 7]],
    ["long", [SAFE, SAFE - 1, SAFE - 5, SAFE]],
    ["timestamptz", [YEAR_1, YEAR_9999, 0, YEAR_9999 - 1, YEAR_1 + 1]],
    ["timestamptz", [YEAR_9999, YEAR_9999 - 3, YEAR_9999 - 86_400_000, YEAR_9999]],
    ["timestamptz", [1.7e12, 1.7e12 + 4_200_001, 1.7e12 + 5_000_000_003, 1.7e12 - 7_777_777]],
    ["timestamptz", [0, 2 ** 41 + 1, -(2 ** 41) + 3, 2 ** 41]],
  ] as const)("%s extremes %j", async (type, extremes) => {
    await roundTrip(type, [...extremes]);
    // Over several blocks and with a last block that is not full.
    await roundTrip(
      type,
      repeat(400, (i) => (i % 7 === 3 ? null : extremes[(i * 5) % extremes.length])),
    );
  });

  test("counts around the block and miniblock sizes", async () => {
    for (const count of [1, 2, 8, 32, 33, 64, 65, 128, 129, 130, 257]) {
      await roundTrip(
        "long",
        repeat(count, (i) => (i * i * 977) % 10_007),
      );
    }
  });

  test("positions in sequence cost next to nothing", async () => {
    const { file } = await roundTrip(
      "long",
      repeat(20_000, (i) => 5e9 + i),
    );
    expect(file.columns[0].bytes).toBeLessThan(400);
  });

  test("doubles with NaN have no bounds; zero bounds cover both zeros", async () => {
    const { file: withNan } = await roundTrip("double", [1, NaN, 2]);
    expect(withNan.columns[0]).toMatchObject({ lower: null, upper: null });
    const { file: zeros } = await roundTrip("double", [0, 0]);
    expect(Buffer.from(zeros.columns[0].lower ?? "", "base64").readDoubleLE()).toBe(-0);
    expect(Buffer.from(zeros.columns[0].upper ?? "", "base64").readDoubleLE()).toBe(0);
  });
});

describe("selections and ranges", () => {
  test("only the listed rows are written, in the list's order", async () => {
    const values: Values = Object.fromEntries(
      allTypes.columns.map(({ name, type, required }) => [
        name,
        repeat(300, (i) => {
          if (!required && i % 5 === 0) return null;
          return type === "string" ? `s${i}` : type === "boolean" ? i % 2 === 0 : i * 3;
        }),
      ]),
    );
    const selection = Int32Array.from({ length: 200 }, (_, i) => (i * 37) % 300);
    const writer = new ParquetFileWriter(allTypes, { pageRows: 32 });
    const columns = allTypes.columns.map((column) => columnOf(column, values[column.name]));
    writer.append(columns, 10, 150, selection);
    writer.append(columns, 290, 300);
    const indices = [...selection.subarray(10, 150), ...repeat(10, (i) => 290 + i)];
    const expected = Object.fromEntries(
      allTypes.columns.map(({ name }) => [name, indices.map((index) => values[name][index])]),
    );
    const [read] = await readBack(await ensurePython(), [{ table: allTypes, bytes: writer.finish().pieces }]);
    expectSame(allTypes, expected, read);
  });
});

describe("bounds for Iceberg", () => {
  const text = (base64: string | null) => (base64 === null ? null : Buffer.from(base64, "base64").toString());

  test("strings are cut to 16 code points, the upper bound raised", async () => {
    const { file } = await roundTrip("string", ["aaaaaaaaaaaaaaaaaa", "zzzzzzzzzzzzzzzzzz"]);
    expect(text(file.columns[0].lower)).toBe("a".repeat(16));
    expect(text(file.columns[0].upper)).toBe(`${"z".repeat(15)}{`);
    const { file: short } = await roundTrip("string", ["b", "a", "é".repeat(16)]);
    expect(text(short.columns[0].lower)).toBe("a");
    expect(text(short.columns[0].upper)).toBe("é".repeat(16));
  });

  test("an upper bound that cannot be raised is left out", async () => {
    const { file } = await roundTrip("string", ["a", "\u{10ffff}".repeat(17)]);
    expect(text(file.columns[0].lower)).toBe("a");
    expect(file.columns[0].upper).toBeNull();
    const { file: carried } = await roundTrip("string", [`a${"\u{10ffff}".repeat(17)}`]);
    expect(text(carried.columns[0].upper)).toBe("b");
    const { file: surrogates } = await roundTrip("string", [`${"a".repeat(15)}\ud7ff!`]);
    expect(text(surrogates.columns[0].upper)).toBe(`${"a".repeat(15)}\ue000`);
  });

  test("numbers are little-endian over the whole file, timestamps in microseconds", async () => {
    const { file } = await roundTrip("timestamptz", [5, YEAR_9999, null, -7], {
      pageRows: 1,
      rowGroupRows: 2,
    });
    expect(Buffer.from(file.columns[0].lower ?? "", "base64").readBigInt64LE()).toBe(-7000n);
    expect(Buffer.from(file.columns[0].upper ?? "", "base64").readBigInt64LE()).toBe(
      BigInt(YEAR_9999) * 1000n,
    );
    const { file: ints } = await roundTrip("int", [3, -9]);
    expect(Buffer.from(ints.columns[0].lower ?? "", "base64").readInt32LE()).toBe(-9);
    const { file: booleans } = await roundTrip("boolean", [true, true]);
    expect(Buffer.from(booleans.columns[0].lower ?? "", "base64")).toEqual(Buffer.from([1]));
  });
});

test("a sum beyond 2^53 stays at the bound, beside values that do not", async () => {
  const table = tableOf("long");
  const { pieces } = write(table, { v: [7, 2 ** 53, -1e25, Number.POSITIVE_INFINITY, null, -7] });
  const [read] = await readBack(await ensurePython(), [{ table, bytes: pieces }]);
  expectSame(table, { v: [7, SAFE, -SAFE, SAFE, null, -7] }, read);
});

describe("what a caller does wrong is refused", () => {
  const codeOf = (action: () => void): string => {
    try {
      action();
    } catch (error) {
      if (error instanceof MillraceError) return error.code;
      throw error;
    }
    return "none";
  };

  test("a null in a required column, a wrong kind, a wrong number of columns, an unsafe integer", () => {
    const required = tableOf("string", "required");
    const writer = new ParquetFileWriter(required);
    const [spec] = required.columns;
    expect(codeOf(() => writer.append([columnOf(spec, [null])], 0, 1))).toBe("null-in-required-column");
    const [long] = tableOf("long").columns;
    expect(codeOf(() => writer.append([columnOf(long, [1])], 0, 1))).toBe("column-kind-mismatch");
    expect(codeOf(() => writer.append([], 0, 0))).toBe("column-count-mismatch");
    for (const [type, unsafe] of [
      ["long", 1.5],
      ["long", NaN],
      ["timestamptz", 2 ** 53],
    ] as const) {
      const table = tableOf(type);
      const integers = new ParquetFileWriter(table);
      integers.append([columnOf(table.columns[0], [1, unsafe, 3])], 0, 3);
      expect(codeOf(() => integers.finish())).toBe("unsafe-integer");
    }
  });

  test("rows after the end", () => {
    const table = tableOf("int");
    const writer = new ParquetFileWriter(table);
    writer.finish();
    expect(codeOf(() => writer.append([columnOf(table.columns[0], [1])], 0, 1))).toBe("file-finished");
  });
});

test("the size estimate is near the finished size", () => {
  const table = tableOf("string");
  const writer = new ParquetFileWriter(table, { pageRows: 2000 });
  const v = repeat(
    50_000,
    (i) => `0f8fad5b-d9cb-469f-a165-${String((i * 104_729) % 1_000_003).padStart(12, "0")}`,
  );
  writer.append([columnOf(table.columns[0], v)], 0, v.length);
  const estimate = writer.bytesEstimate;
  const { bytes } = writer.finish();
  expect(Math.abs(estimate - bytes)).toBeLessThan(bytes * 0.3 + 1000);
});
