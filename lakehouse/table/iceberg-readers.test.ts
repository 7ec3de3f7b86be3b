import { rename } from "node:fs/promises";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ensureDuckDbExtensions } from "../../infra/tools/test-tools.ts";
import { defineTable, type TableSpec } from "../../schema/index.ts";
import { DuckDbQueryEngine } from "../adapters/index.ts";
import type { PlainValue } from "../parquet/testing/read-back.ts";
import type { StagedFile } from "../ports/staged-file.ts";
import { createLakePublisher, ensureTables } from "./index.ts";
import { stageRows } from "./testing/stage-rows.ts";
import {
  createTestLake,
  MS_PER_DAY,
  PROBE,
  probeTable,
  runPython,
  type TestLake,
} from "./testing/test-lake.ts";

const DAY = 20_000;
const LONG_TEXT = "ÿ😀".repeat(5_000);

/** Rows with nulls, extremes and long text: [id, event_time, text, small, real, flag]. */
const ROWS: readonly (readonly PlainValue[])[] = [
  [1, DAY * MS_PER_DAY, "", 0, 0, false],
  [2, DAY * MS_PER_DAY + 1, null, null, null, null],
  [3, DAY * MS_PER_DAY + 2, LONG_TEXT, 2 ** 31 - 1, Number.MAX_VALUE, true],
  [Number.MAX_SAFE_INTEGER, DAY * MS_PER_DAY + 3, "\u0000\u{10ffff}", -(2 ** 31), -Number.MIN_VALUE, true],
  [
    -Number.MAX_SAFE_INTEGER,
    DAY * MS_PER_DAY + MS_PER_DAY - 1,
    "'quoted\"\n",
    -1,
    Number.NEGATIVE_INFINITY,
    false,
  ],
];

const PYICEBERG = `
import sys, json
from pyiceberg.table import StaticTable
from pyiceberg.expressions import GreaterThanOrEqual, EqualTo
table = StaticTable.from_metadata(sys.argv[1])
def rows(scan):
    t = scan.to_arrow().sort_by("id")
    out = []
    for r in t.to_pylist():
        r["event_time"] = int(r["event_time"].timestamp() * 1000000)
        r["real"] = None if r["real"] is None else float(r["real"]).hex()
        out.append(r)
    return out
def files(scan):
    return [task.file.file_path for task in scan.plan_files()]
print(json.dumps({
    "rows": rows(table.scan()),
    "past": rows(table.scan(snapshot_id=int(sys.argv[2]))) if len(sys.argv) > 2 else None,
    "files": len(files(table.scan())),
    "pruned": len(files(table.scan(row_filter=GreaterThanOrEqual("event_time", "2024-10-05T00:00:00+00:00")))),
    "byBounds": len(files(table.scan(row_filter=EqualTo("id", 12)))),
    "partitions": [str(f) for f in table.spec().fields],
    "schema": [[f.field_id, f.name, str(f.field_type), f.required, f.doc] for f in table.schema().fields],
}))
`;

interface PyIcebergReport {
  readonly rows: readonly Record<string, unknown>[];
  readonly past: readonly Record<string, unknown>[] | null;
  readonly files: number;
  readonly pruned: number;
  readonly byBounds: number;
  readonly partitions: readonly string[];
  readonly schema: readonly (readonly unknown[])[];
}

describe("the lake as other Iceberg readers see it", () => {
  let lake: TestLake;
  let duckdb: DuckDBInstance;
  beforeEach(async () => {
    lake = await createTestLake();
    duckdb = await DuckDBInstance.create(":memory:");
  });
  afterEach(async () => {
    duckdb.closeSync();
    await lake.remove();
  });

  function stage(
    rows: readonly (readonly PlainValue[])[],
    spec: TableSpec = probeTable,
  ): Promise<StagedFile> {
    return stageRows(spec, rows, lake.objectStore);
  }

  async function publish(
    epoch: number,
    files: readonly StagedFile[],
    spec: TableSpec = probeTable,
  ): Promise<void> {
    await createLakePublisher({ ...lake.deps, tables: [spec] }).publish([{ taskId: "t", epoch, files }]);
  }

  async function pyiceberg(...args: string[]): Promise<PyIcebergReport> {
    const table = await lake.catalog.load(PROBE);
    return (await runPython(PYICEBERG, table!.metadataLocation, ...args)) as PyIcebergReport;
  }

  async function icebergScan(sql: string): Promise<unknown[][]> {
    const connection = await duckdb.connect();
    const folder = await ensureDuckDbExtensions();
    for (const name of ["avro", "iceberg"]) await connection.run(`LOAD '${folder}/${name}.duckdb_extension'`);
    const scan = `iceberg_scan('${lake.home}/lake/gold/probe')`;
    const reader = await connection.runAndReadAll(sql.replace("TABLE", scan));
    return reader.getRowsJson() as unknown[][];
  }

  const rowsAt = (hours: number, from: number, to: number): (readonly PlainValue[])[] =>
    Array.from({ length: to - from }, (_, i) => [
      from + i,
      DAY * MS_PER_DAY + hours * 3_600_000 + i,
      "x",
      i,
      i / 2,
      true,
    ]);

  it("gives every type, null, long text and extreme value equally in PyIceberg, DuckDB's extension and our engine", async () => {
    await publish(1, [await stage(ROWS)]);
    const expected = [...ROWS].sort((a, b) => Number(a[0]) - Number(b[0]));
    const report = await pyiceberg();
    expect(report.rows.map((row) => [row.id, row.event_time, row.text, row.small, row.flag])).toEqual(
      expected.map(([id, time, text, small, , flag]) => [id, Number(time) * 1000, text, small, flag]),
    );
    expect(report.rows.map((row) => row.real)).toEqual([
      "-inf",
      "0x0.0p+0",
      null,
      "0x1.fffffffffffffp+1023",
      "-0x0.0000000000001p-1022",
    ]);
    const select = "SELECT id, epoch_ms(event_time), text, small, real, flag FROM TABLE ORDER BY id";
    const scanned = await icebergScan(select);
    expect(scanned.map((row) => [Number(row[0]), Number(row[1]), row[2], row[3], row[5]])).toEqual(
      expected.map(([id, time, text, small, , flag]) => [id, time, text, small, flag]),
    );
    const engine = new DuckDbQueryEngine({ ...lake.deps });
    const own = await engine.query(select.replace("TABLE", "{gold.probe}"), []);
    expect(own.rows.map((row) => Object.values(row))).toEqual(expected);
    await engine.close();
  });

  it("has the documented schema and hidden partitioning, also while it is empty", async () => {
    const report = await pyiceberg();
    expect(report).toMatchObject({ rows: [], files: 0 });
    expect(report.partitions).toEqual(["1000: event_time_day: day(2)"]);
    expect(report.schema[1]).toEqual([2, "event_time", "timestamptz", true, "Event time."]);
    expect(report.schema[3]).toEqual([4, "small", "int", false, "A small number."]);
    expect(await icebergScan("SELECT count(*) FROM TABLE")).toEqual([["0"]]);
  });

  it("lets readers skip files by day and by column bounds", async () => {
    await publish(1, [
      await stage(rowsAt(0, 0, 10)),
      await stage(rowsAt(24, 10, 20)),
      await stage(rowsAt(48, 20, 30)),
    ]);
    const report = await pyiceberg();
    expect(report).toMatchObject({ files: 3, pruned: 2, byBounds: 1 });
    expect(
      await icebergScan(
        "SELECT count(*) FROM TABLE WHERE event_time >= TIMESTAMPTZ '2024-10-05 00:00:00+00'",
      ),
    ).toEqual([["20"]]);
  });

  it("shows past snapshots", async () => {
    await publish(1, [await stage(rowsAt(0, 0, 10))]);
    const first = (await lake.catalog.load(PROBE))!.metadata["current-snapshot-id"];
    await publish(2, [await stage(rowsAt(0, 10, 20))]);
    const report = await pyiceberg(String(first));
    expect([report.rows.length, report.past?.length]).toEqual([20, 10]);
    const folder = `${lake.home}/lake/gold/probe`;
    expect(
      await icebergScan(`SELECT count(*) FROM iceberg_scan('${folder}', snapshot_from_id => ${first})`),
    ).toEqual([["10"]]);
  });

  it("is read by DuckDB's extension after the home folder was moved", async () => {
    await publish(1, [await stage(rowsAt(0, 0, 10))]);
    const home = `${lake.home}-moved`;
    await lake.rewriter.close();
    await rename(lake.home, home);
    lake = await createTestLake(home);
    const folder = `${home}/lake/gold/probe`;
    const count = `SELECT count(*), max(id) FROM iceberg_scan('${folder}', allow_moved_paths => true)`;
    expect(await icebergScan(count)).toEqual([["10", "9"]]);
    await publish(2, [await stage(rowsAt(0, 10, 20))]);
    expect(await icebergScan(count)).toEqual([["20", "19"]]);
  });

  it("reads old files with an added and a widened column", async () => {
    await publish(1, [await stage(rowsAt(0, 0, 5))]);
    const wider = withColumns([
      ["small", "long", "optional", "A small number."],
      ["note", "string", "optional", "New."],
    ]);
    await ensureTables([wider], lake.deps);
    const rows = rowsAt(24, 5, 10).map((row) => [...row.slice(0, 3), 2 ** 40, ...row.slice(4), "noted"]);
    await publish(2, [await stage(rows, wider)], wider);
    const report = await pyiceberg();
    expect(report.rows.map((row) => row.small)).toEqual([0, 1, 2, 3, 4, ...Array(5).fill(2 ** 40)]);
    expect(report.rows.map((row) => row.note)).toEqual([...Array(5).fill(null), ...Array(5).fill("noted")]);
    expect(await icebergScan("SELECT sum(small)::BIGINT, count(note) FROM TABLE")).toEqual([
      [String(10 + 5 * 2 ** 40), "5"],
    ]);
    const engine = new DuckDbQueryEngine({ ...lake.deps });
    const own = await engine.query("SELECT sum(small) AS s, count(note) AS n FROM {gold.probe}", []);
    expect(own.rows).toEqual([{ s: 10 + 5 * 2 ** 40, n: 5 }]);
    await engine.close();
    // An older deployment that runs beside it takes nothing away.
    const before = await lake.catalog.load(PROBE);
    await ensureTables([probeTable], lake.deps);
    expect(await lake.catalog.load(PROBE)).toEqual(before);
  });

  it("refuses schema changes that old rows could not be read with", async () => {
    await publish(1, [await stage(rowsAt(0, 0, 5))]);
    for (const [columns, detail] of [
      [[["note", "string", "required", "New."]], "required"],
      [[["text", "long", "optional", "Text."]], "is long, but string"],
      [[["small", "int", "required", "A small number."]], "required, but optional"],
    ] as const) {
      await expect(ensureTables([withColumns(columns)], lake.deps)).rejects.toMatchObject({
        code: "schema-incompatible",
        message: expect.stringContaining(detail),
      });
    }
    const renamed = {
      ...probeTable,
      columns: probeTable.columns.map((c) => (c.id === 3 ? { ...c, name: "words" } : c)),
    };
    await expect(ensureTables([renamed], lake.deps)).rejects.toMatchObject({ code: "schema-incompatible" });
  });
});

type ColumnTuple = Parameters<typeof defineTable>[0]["columns"][number];

/** The probe table with columns replaced by name, or appended. */
function withColumns(changes: readonly ColumnTuple[]): TableSpec {
  const tuples: ColumnTuple[] = probeTable.columns.map((c) => [
    c.name,
    c.type,
    c.required ? "required" : "optional",
    c.doc,
  ]);
  for (const change of changes) {
    const index = tuples.findIndex(([name]) => name === change[0]);
    if (index < 0) tuples.push(change);
    else tuples[index] = change;
  }
  return defineTable({ ...probeTable, columns: tuples });
}
