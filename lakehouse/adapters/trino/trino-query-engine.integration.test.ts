import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { testServer, uniqueName } from "../../../infra/servers/test-servers.ts";
import { queryEngineContract } from "../../ports/query-engine.contract.ts";
import { type Fault, type FaultProxy, first, startFaultProxy } from "../testing/fault-proxy.ts";
import { type LakeServers, openTrinoLake, type TrinoLake } from "./testing.ts";
import type { TrinoQueryEngine } from "./trino-query-engine.ts";

let servers: LakeServers;
beforeAll(async () => {
  servers = {
    trino: await testServer("trino"),
    catalog: await testServer("catalog"),
    minio: await testServer("minio"),
  };
});

const tableName = () => uniqueName("probe").replaceAll("-", "_");

queryEngineContract("Trino over our publisher's tables", async () => {
  const lake = await openTrinoLake(servers, tableName());
  return {
    engine: lake.engine,
    table: lake.spec,
    append: lake.append,
    remove: () => lake.engine.close(),
  };
});

const ENDLESS = `SELECT count(*) AS n FROM tpch.sf1000.lineitem a, tpch.sf1000.lineitem b WHERE a.comment < b.comment`;

describe("Trino query engine", () => {
  let lake: TrinoLake;
  beforeAll(async () => {
    lake = await openTrinoLake(servers, tableName());
    await lake.append(0, 30);
  });
  afterAll(() => lake.engine.close());

  /** States of the queries whose text has a mark. */
  const statesOf = async (mark: string) => {
    const { rows } = await lake.engine.query(
      "SELECT state FROM system.runtime.queries WHERE query LIKE $1 AND query NOT LIKE '%runtime.queries%'",
      [`%${mark}%`],
    );
    return rows.map(({ state }) => state);
  };
  const until = async (mark: string, state: string) => {
    for (;;) {
      const states = await statesOf(mark);
      if (states.length > 0 && states.every((each) => each === state)) return;
      await sleep(50);
    }
  };

  it("leaves no query running in Trino that its caller has left, in whatever stage", async () => {
    const waits = [0, 1, 5, 20, 100, 500];
    const mark = uniqueName("left");
    const engine = lake.open();
    await Promise.all(
      waits.map(async (ms) => {
        const abort = new AbortController();
        const query = engine.query(`${ENDLESS} -- ${mark}`, [], { signal: abort.signal });
        setTimeout(() => abort.abort(), ms);
        await expect(query).rejects.toMatchObject({ code: "query-aborted" });
      }),
    );
    await engine.close();
    await until(mark, "FAILED");
  });

  it("leaves no query running whose rows beyond rowsMax nobody wants, or that takes too long", async () => {
    const mark = uniqueName("enough");
    const sql = `SELECT orderkey FROM tpch.sf1000.lineitem -- ${mark}`;
    expect((await lake.engine.query(sql, [], { rowsMax: 10 })).rows).toHaveLength(10);
    await until(mark, "FAILED");
    const hurried = lake.open({ queryMsMax: 500 });
    const late = uniqueName("late");
    await expect(hurried.query(`${ENDLESS} -- ${late}`, [])).rejects.toMatchObject({ code: "query-timeout" });
    await until(late, "FAILED");
    await hurried.close();
  });

  it("refuses results that are larger than it may hold", async () => {
    const small = lake.open({ resultRowsMax: 100 });
    const sql = `SELECT a.id FROM {${lake.table}} a, {${lake.table}} b LIMIT `;
    await expect(small.query(`${sql} 101`, [])).rejects.toMatchObject({ code: "query-too-large" });
    expect((await small.query(`${sql} 100`, [])).rows).toHaveLength(100);
    await small.close();
  });

  it("gives nested values as JSON, binary as hex, times of other zones in UTC, and repeated names numbers", async () => {
    const { columns, rows } = await lake.engine.query(
      `SELECT ARRAY['it''s', NULL] AS a, MAP(ARRAY['k'], ARRAY[9007199254740993]) AS a, X'00ff' AS bin,
         TIMESTAMP '2026-01-31 12:00:00.123456 +02:00' AS zoned, TIMESTAMP '12345-01-01 00:00:00' AS far,
         nan() AS nan, infinity() AS inf, REAL '0.5' AS half, TIME '12:30:00' AS clock,
         JSON '{"x": 1}' AS json, $1 AS far_bound, $2 AS bc`,
      [new Date(Date.UTC(12345, 0, 1)), new Date("-000044-03-15T00:00:00Z")],
    );
    expect(columns.slice(0, 2)).toEqual(["a", "a:1"]);
    expect(rows).toEqual([
      {
        a: `["it's",null]`,
        "a:1": '{"k":9007199254740993}',
        bin: "00ff",
        zoned: new Date("2026-01-31T10:00:00.123Z"),
        far: new Date(Date.UTC(12345, 0, 1)),
        nan: Number.NaN,
        inf: Number.POSITIVE_INFINITY,
        half: 0.5,
        clock: "12:30:00",
        json: '{"x":1}',
        far_bound: new Date(Date.UTC(12345, 0, 1)),
        bc: new Date("-000044-03-15T00:00:00Z"),
      },
    ]);
    await expect(
      lake.engine.query("SELECT TIMESTAMP '2026-01-31 12:00:00 Europe/Berlin' AS z", []),
    ).rejects.toMatchObject({ code: "query-invalid", message: expect.stringContaining("AT TIME ZONE") });
  });

  it("refuses values that Trino cannot hold, and text that is too long", async () => {
    for (const value of [2n ** 63n, new Date(Number.NaN)]) {
      await expect(lake.engine.query("SELECT $1", [value])).rejects.toMatchObject({ code: "query-invalid" });
    }
    await expect(lake.engine.query("SELECT $1", ["x".repeat(2_000_000)])).rejects.toMatchObject({
      code: "query-invalid",
    });
  });

  it("lets so many queries run and wait, and refuses more", async () => {
    const small = lake.open({ queriesMax: 1, waitingMax: 1 });
    const abort = new AbortController();
    const running = small.query(ENDLESS, [], { signal: abort.signal });
    const waiting = small.query("SELECT 1 AS a", []);
    await expect(small.query("SELECT 2 AS a", [])).rejects.toMatchObject({ code: "query-overloaded" });
    abort.abort();
    await expect(running).rejects.toMatchObject({ code: "query-aborted" });
    expect((await waiting).rows).toEqual([{ a: 1 }]);
    await small.close();
  });

  it("says what is wrong with server, user or catalog, without the password", async () => {
    const problem = (options: object) =>
      lake
        .open({ ...options, queryMsMax: 10_000 })
        .query(`SELECT * FROM {${lake.table}}`, [])
        .catch((error) => error);
    const gone = await startFaultProxy(servers.trino.url);
    await gone.close();
    expect(await problem({ server: gone.url })).toMatchObject({
      code: "query-engine-unreachable",
      origin: "external",
      retry: true,
      message: expect.stringContaining(`${gone.url} does not answer: connect ECONNREFUSED`),
    });
    const denied = await problem({ password: "secret-password" });
    expect(denied).toMatchObject({ code: "query-engine-denied", origin: "external", retry: false });
    expect(denied.message).toContain("https://");
    expect(denied.message).not.toContain("secret-password");
    expect(await problem({ trinoCatalog: "none" })).toMatchObject({
      code: "catalog-not-found",
      message: expect.stringMatching(/Catalog 'none' not found.*trinoCatalog/),
    });
    expect(await problem({ namespacePrefix: "no_" })).toMatchObject({ code: "table-not-found" });
  });
});

describe("Trino behind a network that fails", () => {
  let proxy: FaultProxy;
  let lake: TrinoLake;
  let engine: TrinoQueryEngine;
  beforeAll(async () => {
    proxy = await startFaultProxy(servers.trino.url);
    lake = await openTrinoLake(servers, tableName());
    await lake.append(0, 30);
    engine = lake.open({ server: proxy.url });
  });
  afterEach(() => proxy.inject(() => "none"));
  afterAll(async () => {
    await engine.close();
    await proxy.close();
  });

  const FAULTS: readonly Fault[] = [
    "lose-answer",
    "lose-request",
    "cut-answer",
    { status: 503, applied: false },
    { status: 502, applied: true },
    { status: 429, headers: { "retry-after": "1" }, applied: false },
  ];
  for (const method of ["POST", "GET"]) {
    it.each(FAULTS)(`gets every row once where a ${method} meets %s`, async (fault) => {
      proxy.inject(first(2, fault, (request) => request.method === method));
      const { rows } = await engine.query(`SELECT id FROM {${lake.table}} ORDER BY id`, []);
      expect(rows.map(({ id }) => id)).toEqual(Array.from({ length: 30 }, (_, i) => i));
    });
  }

  it("runs a query again that Trino has forgotten, as after its restart, but only once", async () => {
    const isPage = (request: { readonly method: string }) => request.method === "GET";
    proxy.inject(first(1, { status: 404, applied: false }, isPage));
    expect((await engine.query("SELECT 1 AS a", [])).rows).toEqual([{ a: 1 }]);
    proxy.inject((request) => (isPage(request) ? { status: 404, applied: false } : "none"));
    await expect(engine.query("SELECT 1 AS a", [])).rejects.toMatchObject({
      code: "query-failed",
      retry: true,
    });
  });

  it("gives up after a few tries", async () => {
    proxy.inject(() => ({ status: 503, applied: false }));
    await expect(engine.query("SELECT 1 AS a", [])).rejects.toMatchObject({
      code: "query-engine-unreachable",
      retry: true,
    });
    expect(proxy.requests.length).toBeLessThan(200);
  });
});
