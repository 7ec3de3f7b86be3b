import { appendFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createLakePublisher } from "../table/index.ts";
import { createTestLake, MS_PER_DAY, probeTable, type TestLake } from "../table/testing/test-lake.ts";
import { DuckDbQueryEngine } from "./duckdb-query-engine.ts";

const DAY = 20_000;

describe("DuckDB query engine", () => {
  let lake: TestLake;
  let engine: DuckDbQueryEngine;
  let epoch = 0;

  async function append(from: number, to: number, day = DAY): Promise<void> {
    const publisher = createLakePublisher({ ...lake.deps, tables: [probeTable] });
    await publisher.publish([{ taskId: "t", epoch: epoch++, files: [await lake.stage({ from, to, day })] }]);
  }

  beforeEach(async () => {
    lake = await createTestLake();
    engine = new DuckDbQueryEngine({ ...lake.deps });
  });
  afterEach(async () => {
    await engine.close();
    await lake.remove();
  });

  it("reads an empty table as one with typed columns and no rows", async () => {
    const result = await engine.query("SELECT *, event_time + INTERVAL 1 DAY AS next FROM {gold.probe}", []);
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

  it("reads and appends to a lake whose home folder was moved", async () => {
    await append(0, 10);
    const home = `${lake.home}-moved`;
    await lake.rewriter.close();
    await rename(lake.home, home);
    lake = await createTestLake(home);
    await append(10, 20);
    const movedEngine = new DuckDbQueryEngine({ ...lake.deps });
    const { rows } = await movedEngine.query("SELECT count(*) AS n, max(id) AS last FROM {gold.probe}", []);
    expect(rows).toEqual([{ n: 20, last: 19 }]);
    await movedEngine.close();
  });

  it("refuses writes, several statements, other files, settings and extensions", async () => {
    const secret = join(lake.home, "secret.csv");
    await appendFile(secret, "a\n1\n");
    for (const sql of [
      "CREATE TABLE t (a INTEGER)",
      "SELECT 1; SELECT 2",
      `SELECT * FROM read_csv('${secret}')`,
      `SELECT * FROM '/etc/passwd'`,
      `COPY (SELECT 1) TO '${lake.home}/lake/out.csv'`,
      "SET enable_external_access = true",
      "INSTALL httpfs",
      "LOAD httpfs",
      "ATTACH '/tmp/x.db'",
      "SELECT * FROM read_parquet('https://example.com/x.parquet')",
      "SELECT FROM WHERE",
      "",
    ]) {
      await expect(engine.query(sql, []), sql).rejects.toMatchObject({
        code: expect.stringMatching(/^query-(invalid|failed)$/),
      });
    }
    await expect(engine.query("SELECT * FROM {gold.none}", [])).rejects.toMatchObject({
      code: "table-not-found",
    });
  });

  it("cuts results at rowsMax, and refuses larger ones than it may hold", async () => {
    const { rows } = await engine.query("SELECT * FROM range(10000)", [], { rowsMax: 5 });
    expect(rows).toHaveLength(5);
    const small = new DuckDbQueryEngine({ ...lake.deps, resultRowsMax: 100 });
    await expect(small.query("SELECT * FROM range(101)", [])).rejects.toMatchObject({
      code: "query-too-large",
    });
    expect((await small.query("SELECT * FROM range(100)", [])).rows).toHaveLength(100);
    await small.close();
  });

  const ENDLESS =
    "SELECT sum(a.range * b.range) AS s FROM range(10000000) a, range(10000000) b WHERE a.range % 7 = b.range % 11";

  it("stops a query when its caller goes, and goes on with the next", async () => {
    const abort = new AbortController();
    const query = engine.query(ENDLESS, [], { signal: abort.signal });
    setTimeout(() => abort.abort(), 50);
    await expect(query).rejects.toMatchObject({ code: "query-aborted" });
    await expect(engine.query("SELECT 1 AS a", [], { signal: abort.signal })).rejects.toMatchObject({
      code: "query-aborted",
    });
    expect((await engine.query("SELECT 1 AS a", [])).rows).toEqual([{ a: 1 }]);
  });

  it("stops a query that takes too long, and one that waits for a connection too long", async () => {
    const busy = new DuckDbQueryEngine({ ...lake.deps, connectionsMax: 1, waitingMax: 1, queryMsMax: 300 });
    const codes = await Promise.all(
      [ENDLESS, "SELECT 1", "SELECT 2"].map((sql) => busy.query(sql, []).catch((error) => error.code)),
    );
    expect(codes[0]).toBe("query-timeout");
    expect(codes.slice(1)).toContain("query-overloaded");
    await busy.close();
  });
});
