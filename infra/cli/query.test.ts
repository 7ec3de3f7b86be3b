import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { currentView, tableName, viewName } from "../../schema/index.ts";
import { lakeTables } from "../platform/lake-tables.ts";
import { resultText } from "./query-result.ts";
import { writeParquet } from "./result-parquet.ts";
import { tablesInBraces } from "./sql-tables.ts";
import { type CliRun, runCli } from "./testing/run-cli.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "millrace-query-"));
  const events = ["a", 'b,"c"'].map((userId, i) =>
    JSON.stringify({ eventId: `e${i}`, eventType: "page_view", eventTime: 1_767_600_000_000 + i, userId }),
  );
  await writeFile(join(folder, "events.ndjson"), events.join("\n"));
  const { code, err } = await run("replay", "ndjson", join(folder, "events.ndjson"), "--wait");
  expect([code, err]).toEqual([0, expect.any(String)]);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const run = (...args: string[]): Promise<CliRun> => runCli(args, { folder });
const SQL = "SELECT user_id, event_time, NULL AS nothing, 7 AS n FROM silver.events ORDER BY user_id";

/** The rows of a Parquet file, as DuckDB reads them. */
async function rowsOf(path: string): Promise<unknown[]> {
  const connection = await (await DuckDBInstance.create(":memory:")).connect();
  const reader = await connection.runAndReadAll(`SELECT * FROM read_parquet('${path}')`);
  const rows = reader.getRowObjectsJson();
  connection.closeSync();
  return rows;
}

describe("millrace query", () => {
  test("prints a table, CSV or one JSON object a line", async () => {
    const time = new Date(1_767_600_000_000).toISOString();
    const later = new Date(1_767_600_000_001).toISOString();
    expect((await run("query", SQL, "--format", "csv")).out).toBe(
      `user_id,event_time,nothing,n\r\na,${time},,7\r\n"b,""c""",${later},,7\r\n`,
    );
    const { out } = await run("query", SQL, "--format", "ndjson");
    expect(
      out
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line)),
    ).toEqual([
      { user_id: "a", event_time: time, nothing: null, n: 7 },
      { user_id: 'b,"c"', event_time: later, nothing: null, n: 7 },
    ]);
    expect((await run("query", "SELECT count(*) AS events FROM silver.events")).out).toBe("events\n2\n");
  });

  test("writes a Parquet file that others read, and never over another file", async () => {
    const first = await run("query", SQL, "--format", "parquet", "--out", "result.parquet");
    expect([first.code, first.err]).toEqual([0, "2 rows written to result.parquet\n"]);
    expect(await rowsOf(join(folder, "result.parquet"))).toMatchObject([
      { user_id: "a", nothing: null, n: "7" },
      { user_id: 'b,"c"', nothing: null, n: "7" },
    ]);
    const before = await readFile(join(folder, "result.parquet"));
    const second = await run("query", "SELECT 1 AS x", "--format", "parquet", "--out", "result.parquet");
    expect(second.code).toBe(1);
    expect(second.err).toContain("result.parquet is there already");
    expect(await readFile(join(folder, "result.parquet"))).toEqual(before);
  });

  test("says how many rows it leaves out, and what is wrong with a query", async () => {
    const cut = await run("query", SQL, "--format", "csv", "--limit", "1");
    expect(cut.err).toContain("Only the first 1 rows");
    expect(cut.out.split("\r\n")).toHaveLength(3);
    const wrong = await run("query", "SELECT nothing_such FROM silver.events");
    expect([wrong.code, wrong.out]).toEqual([1, ""]);
    expect(wrong.err).toContain("nothing_such");
    expect((await run("query", "SELECT 1", "--format", "parquet")).err).toContain("--out FILE");
    expect((await run("query", "SELECT 1", "--out", "no/such/folder.csv", "--format", "csv")).err).toContain(
      "cannot be written",
    );
  });
});

describe("millrace query, of the lake itself,", () => {
  const rowsOf = async (sql: string, ...args: string[]) => {
    const { out } = await run("query", sql, "--format", "ndjson", ...args);
    return out
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
  };

  test("lists the tables and what they hold", async () => {
    const all = await rowsOf("SHOW TABLES");
    const expected = lakeTables.flatMap((table) => {
      const view = currentView(table);
      const own = { table: tableName(table), holds: table.doc };
      return view === null ? [own] : [own, { table: viewName(view), holds: view.doc }];
    });
    expect(all).toEqual(expected);
    const gold = await rowsOf("show tables in gold;");
    expect(gold).toEqual(all.filter(({ table }) => table.startsWith("gold.")));
    const none = await run("query", "SHOW TABLES FROM copper");
    expect(none).toMatchObject({ code: 1, err: expect.stringContaining("there are bronze, silver, gold") });
  });

  test.each([
    "DESCRIBE gold.funnel",
    "desc gold.funnel",
    "DESCRIBE TABLE gold.funnel",
    "SHOW COLUMNS FROM gold.funnel",
    "DESCRIBE gold.funnel_current",
  ])("says what the columns of a table mean: %s", async (sql) => {
    const funnel = lakeTables.find((table) => tableName(table) === "gold.funnel");
    const rows = await rowsOf(sql);
    expect(rows).toHaveLength(funnel?.columns.length ?? 0);
    expect(rows[0]).toEqual({
      column: "window_start",
      type: "timestamptz",
      null: "no",
      means: funnel?.columns[0].doc,
    });
    expect(await rowsOf(sql, "--limit", "1")).toEqual(rows.slice(0, 1));
  });

  test("reads the views of the rows that hold, and says of an embedded lake that they need no making", async () => {
    const sql = "SELECT count(*) AS n, sum(held.views) AS views FROM gold.page_views_by_user_current held";
    expect(await rowsOf(sql)).toEqual(await rowsOf(sql.replace("_current", "")));
    const check = await run("views", "check");
    expect([check.code, check.err]).toEqual([
      2,
      expect.stringContaining("millrace query knows them by itself"),
    ]);
  });

  test("still describes a query's result", async () => {
    expect(await rowsOf("DESCRIBE SELECT 1 AS x")).toMatchObject([{ column_name: "x" }]);
  });

  test("turns the values of a column into columns", async () => {
    const sql = "PIVOT (SELECT 1 AS day, 'view' AS kind, 5 AS n) ON kind IN ('view', 'buy') USING sum(n)";
    expect(await rowsOf(sql)).toEqual([{ day: 1, view: 5, buy: null }]);
  });

  test.each([
    ["DELETE FROM silver.events", "the lake is only read here, and DELETE begins no query"],
    ["/* SELECT */ drop table gold.funnel", "the lake is only read here, and DROP begins no query"],
    ["SET threads = 1", "the lake is only read here, and SET begins no query"],
    ["SELECT * FROM funnel", "there is no table funnel in the lake"],
    ["DESCRIBE funnel", "there is no table funnel in the lake; there is gold.funnel"],
    ["SELECT * FROM gold.none", "there is no table gold.none in the lake"],
    ["DESCRIBE funnel_current", "there is no table funnel_current in the lake; there is gold.funnel_current"],
    [
      "PIVOT (SELECT 'view' AS kind, 5 AS n) ON kind USING sum(n)",
      "a PIVOT needs the values that become columns: PIVOT … ON column IN ('one', 'another') …",
    ],
    ["SELECT 1; SELECT 2", "a query is exactly one statement"],
  ])("refuses %s, and says what can be asked for", async (sql, message) => {
    const { code, out, err } = await run("query", sql);
    expect([code, out]).toEqual([1, ""]);
    expect(err).toContain(message);
    expect(err).not.toContain("Parser Error");
    expect(err).toContain("(SHOW TABLES lists the lake's tables, DESCRIBE gold.funnel the columns of one)\n");
  });
});

describe("a result", () => {
  const columns = ["i", "d", "b", "t", "s", "mixed", "large"];
  const rows = [
    { i: 1, d: 0.5, b: true, t: new Date(1000), s: "ü😀", mixed: 1, large: 2n ** 60n },
    { i: -(2 ** 40), d: 3, b: false, t: new Date(2000), s: "", mixed: "x", large: 1 },
    { i: null, d: null, b: null, t: null, s: null, mixed: null, large: null },
  ];

  test("as Parquet keeps every type, nulls, and integers that no double holds", async () => {
    const path = join(folder, "types.parquet");
    await writeParquet({ columns, rows }, path);
    expect(await rowsOf(path)).toEqual([
      {
        i: "1",
        d: 0.5,
        b: true,
        t: expect.stringContaining("1970-01-01 00:00:01"),
        s: "ü😀",
        mixed: "1",
        large: String(2n ** 60n),
      },
      {
        i: String(-(2 ** 40)),
        d: 3,
        b: false,
        t: expect.stringContaining("00:00:02"),
        s: "",
        mixed: "x",
        large: "1",
      },
      { i: null, d: null, b: null, t: null, s: null, mixed: null, large: null },
    ]);
    await writeParquet({ columns, rows: [] }, join(folder, "empty.parquet"));
    expect(await rowsOf(join(folder, "empty.parquet"))).toEqual([]);
  });

  test("as text tells null from the empty text, and keeps large integers", () => {
    expect(resultText({ columns: ["s", "large"], rows: rows.slice(0, 2) }, "csv")).toBe(
      `s,large\r\nü😀,${2n ** 60n}\r\n"",1\r\n`,
    );
    expect(resultText({ columns: ["large"], rows: rows.slice(0, 1) }, "ndjson")).toBe(
      `{"large":${2n ** 60n}}\n`,
    );
  });
});

test("tables are found outside of texts and quoted names, and braces stay", () => {
  expect(tablesInBraces(`SELECT 'gold.a', "gold.b" FROM gold.c JOIN {silver.d} ON c.x = silver.e.y`)).toBe(
    `SELECT 'gold.a', "gold.b" FROM {gold.c} JOIN {silver.d} ON c.x = {silver.e}.y`,
  );
});
