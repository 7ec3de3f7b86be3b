import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type TableSpec, tableName } from "../../schema/index.ts";
import { MS_PER_DAY } from "../table/testing/test-lake.ts";
import type { QueryEngine, QueryOptions, SqlValue } from "./query-engine.ts";

export interface QueryEngineFixture {
  readonly engine: QueryEngine;
  /** A probe table of this fixture's own, empty. */
  readonly table: TableSpec;
  /** Commits rows [from, to) to it, as `TestLake.stage` makes them. */
  append(from: number, to: number, day: number): Promise<void>;
  remove(): Promise<void>;
}

const DAY = 20_000;

/** What every query engine guarantees. */
export function queryEngineContract(name: string, create: () => Promise<QueryEngineFixture>): void {
  describe(`query engine contract: ${name}`, () => {
    let fixture: QueryEngineFixture;
    let engine: QueryEngine;
    let probe: string;
    beforeEach(async () => {
      fixture = await create();
      engine = fixture.engine;
      probe = `{${tableName(fixture.table)}}`;
    });
    afterEach(() => fixture.remove());

    const append = (from: number, to: number, day = DAY) => fixture.append(from, to, day);
    const rowsOf = async (sql: string, parameters: readonly SqlValue[] = [], options: QueryOptions = {}) =>
      (await engine.query(sql, parameters, options)).rows;

    it("reads an empty table as one with typed columns and no rows", async () => {
      const result = await engine.query(`SELECT *, event_time + INTERVAL '1' DAY AS next FROM ${probe}`, []);
      expect(result.columns).toEqual(["id", "event_time", "text", "small", "real", "flag", "next"]);
      expect(result.rows).toEqual([]);
      expect(await engine.snapshot(fixture.table)).toBeNull();
    });

    it("gives every type in the port's form, nulls included", async () => {
      await append(0, 3);
      const { rows } = await engine.query(`SELECT * FROM ${probe} ORDER BY id LIMIT 2`, []);
      const event_time = new Date(DAY * MS_PER_DAY);
      expect(rows).toEqual([
        { id: 0, event_time, text: null, small: null, real: null, flag: null },
        {
          id: 1,
          event_time: new Date(DAY * MS_PER_DAY + 1000),
          text: "text 1",
          small: 1,
          real: 1 / 7,
          flag: false,
        },
      ]);
    });

    it("keeps every digit of integers and decimals, and every millisecond of times", async () => {
      await append(0, 3);
      const sql = `SELECT 9007199254740993 AS big, sum(id) AS total,
        CAST('1.50' AS DECIMAL(10, 2)) AS price, CAST('123456789012345678.12' AS DECIMAL(38, 2)) AS exact,
        CAST('-12345678901234567890123' AS DECIMAL(38, 0)) AS whole,
        TIMESTAMP '1969-12-31 23:59:59.999' AS early, DATE '2026-02-28' AS day FROM ${probe}`;
      expect(await rowsOf(sql)).toEqual([
        {
          big: 9007199254740993n,
          total: 3,
          price: 1.5,
          exact: "123456789012345678.12",
          whole: -12345678901234567890123n,
          early: new Date(-1),
          day: new Date("2026-02-28"),
        },
      ]);
    });

    it("binds values of every type; text that looks like SQL or a table stays a value", async () => {
      await append(0, 3);
      const hostile = `'; DROP TABLE x; SELECT * FROM ${probe} -- \\' $2 ? \n "😀`;
      const rows = await rowsOf(
        `SELECT $1 AS a, CAST($2 AS TIMESTAMP WITH TIME ZONE) AS b, CAST($3 AS BIGINT) AS c,
           CAST($4 AS BOOLEAN) AS d, $5 AS e, CAST($6 AS VARCHAR) AS f, '$7 ?' AS g, -- $8
           count(*) AS n
         FROM ${probe} WHERE text IS DISTINCT FROM $1`,
        [hostile, new Date(1), 2n ** 60n, true, 0.5, null],
      );
      expect(rows).toEqual([
        { a: hostile, b: new Date(1), c: 2n ** 60n, d: true, e: 0.5, f: null, g: "$7 ?", n: 3 },
      ]);
      const extremes = [-(2n ** 63n), 2n ** 63n - 1n, Number.MIN_SAFE_INTEGER, -1e300, 5e-324, ""];
      expect(await rowsOf("SELECT $1 AS a, $2 AS b, $3 AS c, $4 AS d, $5 AS e, $6 AS f", extremes)).toEqual([
        { a: extremes[0], b: extremes[1], c: extremes[2], d: extremes[3], e: extremes[4], f: "" },
      ]);
      expect(await rowsOf("SELECT $2 AS x, $1 AS y, $2 AS z", [1, "two"])).toEqual([
        { x: "two", y: 1, z: "two" },
      ]);
      for (const parameters of [[], [1, 2]]) {
        await expect(engine.query("SELECT $1", parameters)).rejects.toMatchObject({ code: "query-invalid" });
      }
    });

    it("compares columns with bound values of their types", async () => {
      await append(0, 30);
      const at = (ms: number) => new Date(DAY * MS_PER_DAY + ms);
      const sql = `SELECT id FROM ${probe} WHERE event_time >= $1 AND event_time < $2 AND text IN ($3, $4)
        AND small > $5 AND real < $6 AND flag = $7 AND (event_time, text) < ($8, $4) AND ($9 IS NULL OR id = $9)
        ORDER BY id LIMIT $10`;
      const values = [at(4000), at(20_000), "text 8", "text 14", 7, 1.5, true, at(14_000), null, 5];
      expect(await rowsOf(sql, values)).toEqual([{ id: 8 }]);
    });

    it("sees a commit at once, and older snapshots by id and by time", async () => {
      await append(0, 10);
      const first = await engine.snapshot(fixture.table);
      await append(10, 30);
      const count = (asOf?: string) =>
        rowsOf(
          `SELECT count(*) AS n FROM ${probe} p WHERE p.id >= 0`,
          [],
          asOf === undefined ? {} : { asOf },
        ).then(([row]) => row.n);
      expect(await count()).toBe(30);
      expect(await count(first?.id)).toBe(10);
      expect(await count(new Date(first?.committedAt ?? 0).toISOString())).toBe(10);
      expect(await engine.snapshot(fixture.table)).toMatchObject({ rows: 30 });
      await expect(count("12345")).rejects.toMatchObject({ code: "snapshot-not-found" });
      await expect(count("99999999999999999999")).rejects.toMatchObject({ code: "snapshot-not-found" });
      await expect(count("1999-01-01T00:00:00Z")).rejects.toMatchObject({ code: "snapshot-not-found" });
      await expect(count("yesterday")).rejects.toMatchObject({ code: "snapshot-not-found" });
    });

    it("loses nothing of what a query asks for to the hint of event time", async () => {
      await append(0, 10, DAY);
      await append(10, 20, DAY + 1);
      const eventTime = { from: (DAY + 1) * MS_PER_DAY + 11_000, to: (DAY + 2) * MS_PER_DAY };
      const sql = `SELECT min(id) AS low, max(id) AS high FROM ${probe} WHERE event_time >= $1 AND event_time < $2`;
      const bounds = [new Date(eventTime.from), new Date(eventTime.to)];
      expect(await rowsOf(sql, bounds, { eventTime })).toEqual([{ low: 11, high: 19 }]);
    });

    it("cuts results at rowsMax", async () => {
      await append(0, 20);
      const rows = await rowsOf(`SELECT id FROM ${probe} ORDER BY id DESC`, [], { rowsMax: 3 });
      expect(rows).toEqual([{ id: 19 }, { id: 18 }, { id: 17 }]);
      expect(await rowsOf(`SELECT id FROM ${probe}`, [], { rowsMax: 20 })).toHaveLength(20);
    });

    it("says what is wrong with a query", async () => {
      const code = (sql: string) => engine.query(sql, []).catch((error) => error.code);
      expect(await code("SELECT FROM WHERE")).toBe("query-invalid");
      expect(await code(`SELECT nothing FROM ${probe}`)).toBe("query-invalid");
      expect(await code("SELECT * FROM {gold.none}")).toBe("table-not-found");
    });

    it("takes nothing but one query, and changes nothing", async () => {
      await append(0, 3);
      for (const sql of [
        "",
        "SELECT 1; SELECT 2",
        `DELETE FROM ${probe}`,
        `DROP TABLE ${probe}`,
        `INSERT INTO ${probe} SELECT * FROM ${probe}`,
        `/* SELECT */ DROP TABLE ${probe}`,
        `EXPLAIN ANALYZE DELETE FROM ${probe}`,
        "CREATE TABLE t (a INTEGER)",
      ]) {
        await expect(engine.query(sql, []), sql).rejects.toMatchObject({ code: "query-invalid" });
      }
      expect(await rowsOf(`-- SELECT\n (SELECT count(*) AS n FROM ${probe})`)).toEqual([{ n: 3 }]);
    });

    it("stops a query when its caller goes, and goes on with the next", async () => {
      await append(0, 3000);
      const endless = `SELECT count(*) AS n FROM ${probe} a, ${probe} b, ${probe} c, ${probe} d
      WHERE a.id * b.id + c.id * d.id = 7`;
      const abort = new AbortController();
      const query = engine.query(endless, [], { signal: abort.signal });
      setTimeout(() => abort.abort(), 100);
      await expect(query).rejects.toMatchObject({ code: "query-aborted" });
      await expect(engine.query("SELECT 1 AS a", [], { signal: abort.signal })).rejects.toMatchObject({
        code: "query-aborted",
      });
      expect((await engine.query("SELECT 1 AS a", [])).rows).toEqual([{ a: 1 }]);
    });
  });
}
