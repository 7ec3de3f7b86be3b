import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { compactTable } from "../maintenance/index.ts";
import type { StagedFile } from "../ports/staged-file.ts";
import { createLakePublisher, currentSchema } from "../table/index.ts";
import { icebergSchema } from "../table/schema.ts";
import { createTestLake, PROBE, probeTable, type TestLake } from "../table/testing/test-lake.ts";
import { DuckDbFileRewriter } from "./duckdb-file-rewriter.ts";

const DAY = 20_000;
const { fields } = icebergSchema(probeTable);

describe("the DuckDB file rewriter", () => {
  let lake: TestLake;
  let temporaryFolder: string;
  let rewriter: DuckDbFileRewriter;
  beforeEach(async () => {
    lake = await createTestLake();
    temporaryFolder = await mkdtemp(join(tmpdir(), "millrace-rewriter-"));
  });
  afterEach(async () => {
    await rewriter.close();
    expect(await readdir(temporaryFolder)).toEqual([]);
    await rm(temporaryFolder, { recursive: true });
    await lake.remove();
  });

  const open = (memoryLimit: string) => {
    rewriter = new DuckDbFileRewriter({ objectStore: lake.objectStore, memoryLimit, temporaryFolder });
  };

  /** Rows whose texts have nothing in common with one another, in descending order of their ids. */
  function stage(name: string, from: number, to: number, textBytes: number, day = DAY): Promise<StagedFile> {
    return lake.rewriter.write(
      { table: PROBE, fields, key: `lake/gold/probe/data/${name}.parquet`, day },
      `SELECT i AS id, to_timestamp(${day * 86_400} + i % 86400) AS event_time,
         repeat(md5(i::VARCHAR), ${textBytes / 32}) AS text, i::INTEGER AS small, i / 7 AS real, true AS flag
       FROM range(${to - 1}, ${from - 1}, -1) t(i)`,
      2_048,
    );
  }

  const rewrite = (inputs: readonly StagedFile[]) =>
    rewriter.rewrite({
      table: PROBE,
      fields,
      inputs: inputs.map(({ key }) => lake.objectStore.uri(key)),
      key: "lake/gold/probe/data/merged.parquet",
      day: DAY,
      sortBy: ["id"],
    });

  /** What a fresh DuckDB finds in the file. */
  async function read(key: string, columns: string, of = "read_parquet") {
    const instance = await DuckDBInstance.create(":memory:");
    const connection = await instance.connect();
    const reader = await connection.runAndReadAll(
      `SELECT ${columns} FROM ${of}('${lake.objectStore.uri(key)}')`,
    );
    instance.closeSync();
    return reader.getRowsJson();
  }

  it("merges files with wide rows, of which neither a sort nor a usual row group fits into memory", async () => {
    open("160MB");
    const inputs = [await stage("a", 0, 20_000, 4_096), await stage("b", 20_000, 40_000, 4_096)];
    const staged = await rewrite(inputs);
    expect(staged).toMatchObject({ rows: 40_000, day: DAY });
    const intact = "count(DISTINCT id)::INT, bool_and(text = repeat(md5(id::VARCHAR), 128))";
    expect(await read(staged.key, intact)).toEqual([[40_000, true]]);
    const [[rowsMax]] = await read(staged.key, "max(row_group_num_rows)::INT", "parquet_metadata");
    expect(rowsMax).toBeLessThan(6_144);
  });

  it("makes row groups of a size that fits the width of the rows, and sorts them", async () => {
    open("512MB");
    const staged = await rewrite([await stage("a", 0, 20_000, 4_096)]);
    const groups = await read(staged.key, "max(row_group_num_rows)::INT", "parquet_metadata");
    expect(groups).toEqual([[6_144]]);
    expect(await read(staged.key, "bool_and(id = file_row_number)")).toEqual([[true]]);
    const narrow = await rewriter.rewrite({
      table: PROBE,
      fields,
      inputs: [lake.objectStore.uri((await stage("n", 0, 200_000, 32)).key)],
      key: "lake/gold/probe/data/narrow.parquet",
      day: DAY,
      sortBy: ["id"],
    });
    expect(await read(narrow.key, "max(row_group_num_rows)::INT", "parquet_metadata")).toEqual([[122_880]]);
  });

  it("spills beside the unfinished file, and leaves nothing there", async () => {
    open("64MB");
    const input = await stage("a", 0, 600_000, 64);
    const seen = new Set<string>();
    const timer = setInterval(async () => {
      for (const name of await readdir(temporaryFolder, { recursive: true })) seen.add(name);
    }, 5);
    const staged = await rewrite([input]).finally(() => clearInterval(timer));
    expect([...seen].some((name) => /^millrace-[^/]+\.spill\/duckdb_temp/.test(name))).toBe(true);
    expect(await read(staged.key, "bool_and(id = file_row_number)")).toEqual([[true]]);
  });

  it("is left by a compaction where memory does not do, which goes on with other days and says so", async () => {
    open("64MB");
    const files = [
      await stage("a", 0, 2_048, 16_384),
      await stage("b", 2_048, 4_096, 16_384),
      await stage("c", 4_096, 4_106, 32, DAY + 1),
      await stage("d", 4_106, 4_116, 32, DAY + 1),
    ];
    const publisher = createLakePublisher({ ...lake.deps, tables: [probeTable] });
    await publisher.publish([{ taskId: "t", epoch: 1, files }]);
    const report = await compactTable(probeTable, { ...lake.deps, rewriter, full: true, filesMin: 2 });
    expect(report).toMatchObject({ filesBefore: 2, filesAfter: 1, rows: 20, committed: true });
    expect(report.warning).toMatch(
      /^gold.probe: 2 data files have rows so wide that 64MB .* maintenanceMemoryMb .* stay/,
    );
    const again = await compactTable(probeTable, { ...lake.deps, rewriter, full: true, filesMin: 2 });
    expect(again).toMatchObject({ filesBefore: 0, committed: false });
    expect(again.warning).toBe(report.warning);
  });

  it("leaves a table with columns of types that it does not know, and their values with it", async () => {
    open("512MB");
    const publisher = createLakePublisher({ ...lake.deps, tables: [probeTable] });
    const files = [await stage("a", 0, 10, 32), await stage("b", 10, 20, 32)];
    await publisher.publish([{ taskId: "t", epoch: 1, files }]);
    const tags = { type: "list", "element-id": 10_001, element: "string", "element-required": false };
    const schema = currentSchema((await lake.catalog.load(PROBE))!.metadata);
    const field = { id: 10_000, name: "tags", required: false, type: tags };
    await lake.catalog.commit(PROBE, {
      requirements: [],
      updates: [
        { action: "add-schema", schema: { ...schema, fields: [...schema.fields, field] } },
        { action: "set-current-schema", "schema-id": -1 },
      ],
    });
    const before = await lake.catalog.load(PROBE);
    const report = await compactTable(probeTable, { ...lake.deps, rewriter, full: true, filesMin: 2 });
    expect(report).toMatchObject({ filesBefore: 0, committed: false });
    expect(report.warning).toMatch(
      /^gold.probe: column tags, .* type list, .* EXECUTE optimize.* files stay as they are$/,
    );
    expect(await lake.catalog.load(PROBE)).toEqual(before);
  });
});
