import { appendFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { queryEngineContract } from "../ports/query-engine.contract.ts";
import { createLakePublisher } from "../table/index.ts";
import { createTestLake, MS_PER_DAY, probeTable, type TestLake } from "../table/testing/test-lake.ts";
import { DuckDbQueryEngine } from "./duckdb-query-engine.ts";

const DAY = 20_000;

queryEngineContract("DuckDB over Iceberg files", async () => {
  const lake = await createTestLake();
  const engine = new DuckDbQueryEngine({ ...lake.deps });
  const publisher = createLakePublisher({ ...lake.deps, tables: [probeTable] });
  let epoch = 0;
  return {
    engine,
    table: probeTable,
    append: async (from, to, day) => {
      await publisher.publish([
        { taskId: "t", epoch: epoch++, files: [await lake.stage({ from, to, day })] },
      ]);
    },
    remove: async () => {
      await engine.close();
      await lake.remove();
    },
  };
});

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

  it("opens only the files of the days asked for", async () => {
    await append(0, 10, DAY);
    await append(10, 20, DAY + 1);
    const eventTime = { from: (DAY + 1) * MS_PER_DAY, to: (DAY + 2) * MS_PER_DAY };
    const { rows } = await engine.query("SELECT min(id) AS low FROM {gold.probe}", [], { eventTime });
    expect(rows).toEqual([{ low: 10 }]);
  });

  it("reads a lake in a folder with quotes, blanks and pattern characters in its name", async () => {
    const home = join(lake.home, "it's a [b]* {c}? folder ü");
    const odd = await createTestLake(home);
    const oddEngine = new DuckDbQueryEngine({ ...odd.deps });
    const publisher = createLakePublisher({ ...odd.deps, tables: [probeTable] });
    await publisher.publish([
      { taskId: "t", epoch: 1, files: [await odd.stage({ from: 0, to: 3, day: DAY })] },
    ]);
    const { rows } = await oddEngine.query("SELECT count(*) AS n FROM {gold.probe}", []);
    expect(rows).toEqual([{ n: 3 }]);
    await oddEngine.close();
    await odd.rewriter.close();
  });

  it("refuses writes, several statements, other files, settings and extensions", async () => {
    const secret = join(lake.home, "secret.csv");
    await appendFile(secret, "a\n1\n");
    for (const sql of [
      "CREATE TABLE t (a INTEGER)",
      "SELECT 1; SELECT 2",
      `SELECT * FROM read_csv('${secret}')`,
      `SELECT * FROM read_csv('${lake.home}/lake/../secret.csv')`,
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

  const ENDLESS =
    "SELECT sum(a.range * b.range) AS s FROM range(10000000) a, range(10000000) b WHERE a.range % 7 = b.range % 11";

  it("refuses results that are larger than it may hold", async () => {
    const small = new DuckDbQueryEngine({ ...lake.deps, resultRowsMax: 100 });
    await expect(small.query("SELECT * FROM range(101)", [])).rejects.toMatchObject({
      code: "query-too-large",
    });
    expect((await small.query("SELECT * FROM range(100)", [])).rows).toHaveLength(100);
    await small.close();
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
