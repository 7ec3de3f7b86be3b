import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MS_PER_DAY, probeTable } from "../table/testing/test-lake.ts";
import type { QueryEngine } from "./query-engine.ts";

export interface QueryEngineFixture {
  readonly engine: QueryEngine;
  /** Commits rows [from, to) to the empty probe table, as `TestLake.stage` makes them. */
  append(from: number, to: number, day: number): Promise<void>;
  remove(): Promise<void>;
}

const DAY = 20_000;

/** What every query engine guarantees. */
export function queryEngineContract(name: string, create: () => Promise<QueryEngineFixture>): void {
  describe(`query engine contract: ${name}`, () => {
    let fixture: QueryEngineFixture;
    let engine: QueryEngine;
    beforeEach(async () => {
      fixture = await create();
      engine = fixture.engine;
    });
    afterEach(() => fixture.remove());

    const append = (from: number, to: number, day = DAY) => fixture.append(from, to, day);

    it("reads an empty table as one with typed columns and no rows", async () => {
      const result = await engine.query(
        "SELECT *, event_time + INTERVAL '1' DAY AS next FROM {gold.probe}",
        [],
      );
      expect(result.columns).toEqual(["id", "event_time", "text", "small", "real", "flag", "next"]);
      expect(result.rows).toEqual([]);
      expect(await engine.snapshot(probeTable)).toBeNull();
    });

    it("gives every type in the port's form, nulls included", async () => {
      await append(0, 3);
      const { rows } = await engine.query("SELECT * FROM {gold.probe} ORDER BY id LIMIT 2", []);
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
      const exact = await engine.query(
        "SELECT 9007199254740993 AS big, sum(id) AS total FROM {gold.probe}",
        [],
      );
      expect(exact.rows).toEqual([{ big: 9007199254740993n, total: 3 }]);
    });

    it("binds values of every type; text that looks like SQL or a table stays a value", async () => {
      await append(0, 3);
      const hostile = "'; DROP TABLE x; SELECT * FROM {gold.probe} --";
      const result = await engine.query(
        "SELECT $1 AS a, $2::TIMESTAMPTZ AS b, $3::BIGINT AS c, $4::BOOLEAN AS d, $5 AS e, $6::VARCHAR AS f, count(*) AS n FROM {gold.probe} WHERE text IS DISTINCT FROM $1",
        [hostile, new Date(1), 2n ** 60n, true, 0.5, null],
      );
      expect(result.rows).toEqual([
        { a: hostile, b: new Date(1), c: 2n ** 60n, d: true, e: 0.5, f: null, n: 3 },
      ]);
      await expect(engine.query("SELECT $1", [])).rejects.toMatchObject({ code: "query-invalid" });
    });

    it("sees a commit at once, and older snapshots by id and by time", async () => {
      await append(0, 10);
      const first = await engine.snapshot(probeTable);
      await append(10, 30);
      const count = (asOf?: string) =>
        engine
          .query("SELECT count(*) AS n FROM {gold.probe}", [], asOf === undefined ? {} : { asOf })
          .then(({ rows }) => rows[0].n);
      expect(await count()).toBe(30);
      expect(await count(first?.id)).toBe(10);
      expect(await count(new Date(first?.committedAt ?? 0).toISOString())).toBe(10);
      expect(await engine.snapshot(probeTable)).toMatchObject({ rows: 30 });
      await expect(count("12345")).rejects.toMatchObject({ code: "snapshot-not-found" });
      await expect(count("1999-01-01T00:00:00Z")).rejects.toMatchObject({ code: "snapshot-not-found" });
      await expect(count("yesterday")).rejects.toMatchObject({ code: "snapshot-not-found" });
    });

    it("opens only the files of the days asked for", async () => {
      await append(0, 10, DAY);
      await append(10, 20, DAY + 1);
      const eventTime = { from: (DAY + 1) * MS_PER_DAY, to: (DAY + 2) * MS_PER_DAY };
      const { rows } = await engine.query("SELECT min(id) AS low FROM {gold.probe}", [], { eventTime });
      expect(rows).toEqual([{ low: 10 }]);
    });

    it("cuts results at rowsMax", async () => {
      await append(0, 20);
      const { rows } = await engine.query("SELECT * FROM {gold.probe}", [], { rowsMax: 5 });
      expect(rows).toHaveLength(5);
    });

    it("says what is wrong with a query", async () => {
      const code = (sql: string) => engine.query(sql, []).catch((error) => error.code);
      expect(await code("SELECT FROM WHERE")).toBe("query-invalid");
      expect(await code("SELECT nothing FROM {gold.probe}")).toBe("query-invalid");
      expect(await code("SELECT * FROM {gold.none}")).toBe("table-not-found");
    });

    it("stops a query when its caller goes, and goes on with the next", async () => {
      await append(0, 3000);
      const endless = `SELECT count(*) AS n FROM {gold.probe} a, {gold.probe} b, {gold.probe} c, {gold.probe} d
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
