import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { testServer, uniqueName } from "../../../infra/servers/test-servers.ts";
import { defineTable, type TableSpec, viewName } from "../../../schema/index.ts";
import { currentViewsContract, textsOf, viewOf } from "../../ports/current-views.contract.ts";
import { createLakePublisher, ensureTables, ensureViews, viewDifferences } from "../../table/index.ts";
import { alertTable, REVISED_CASES } from "../../table/testing/revised-table.ts";
import { stageRows } from "../../table/testing/stage-rows.ts";
import { openRemoteLake } from "../testing/remote-lake.ts";
import { StatementClient } from "./statement-client.ts";
import { type LakeServers, trinoConnection } from "./testing.ts";
import { TRINO_RETRY, TrinoQueryEngine } from "./trino-query-engine.ts";

let servers: LakeServers;
beforeAll(async () => {
  servers = {
    trino: await testServer("trino"),
    catalog: await testServer("catalog"),
    minio: await testServer("minio"),
  };
});

const unique = (name: string): string => uniqueName(name).replaceAll("-", "_");

function openLake() {
  const name = unique("revised");
  const lake = openRemoteLake({ catalogUri: servers.catalog.uri, s3: servers.minio, table: name });
  return { ...lake, name };
}

currentViewsContract("Trino over our publisher's tables", async () => {
  const { deps, catalog, objectStore, name } = openLake();
  return {
    deps,
    name,
    open: (view) => new TrinoQueryEngine({ ...trinoConnection(servers), catalog, views: [view] }),
    remove: async () => objectStore.close(),
  };
});

describe("views in the catalog", () => {
  let lake: ReturnType<typeof openLake>;
  let options: Parameters<typeof ensureViews>[1];
  beforeEach(() => {
    lake = openLake();
    const { catalog, objectStore } = lake;
    options = { views: catalog.views, objectStore, trinoCatalog: servers.trino.catalog };
    return () => objectStore.close();
  });

  /** Runs a statement as any user of Trino does, who has chosen neither catalog nor namespace. */
  async function run(statement: string): Promise<unknown[][]> {
    const connection = trinoConnection(servers);
    const client = new StatementClient({ ...connection, retry: { ...TRINO_RETRY, ...connection } });
    const rows: unknown[][] = [];
    for await (const page of client.run(statement, AbortSignal.timeout(60_000)))
      rows.push(...page.rows.map((row) => [...row]));
    return rows;
  }

  const inTrino = (name: string): string => `${servers.trino.catalog}.${name}`;

  async function publish(table: TableSpec, epoch: number, rows: Parameters<typeof stageRows>[1]) {
    const publisher = createLakePublisher({ ...lake.deps, tables: [table] });
    await publisher.publish([
      { taskId: "t", epoch, files: [await stageRows(table, rows, lake.objectStore)] },
    ]);
  }

  it.each(REVISED_CASES)("have for Trino's users the newest of $name", async (tried) => {
    const table = tried.table(lake.name);
    const view = viewOf(table);
    await ensureTables([table], lake.deps);
    expect(await viewDifferences([view], options)).toEqual([{ view: viewName(view), found: "none" }]);
    expect((await ensureViews([view], options)).applied).toHaveLength(1);
    const engine = new TrinoQueryEngine({ ...trinoConnection(servers), catalog: lake.catalog });
    for (const [epoch, rows] of tried.commits.entries()) {
      await publish(table, epoch, rows);
      expect(await textsOf(engine, inTrino(viewName(view)), tried)).toEqual(tried.held[epoch]);
    }
    await engine.close();
  });

  it("say what they and their columns are, and look only at the days that are asked for", async () => {
    const table = alertTable(lake.name);
    const view = viewOf(table);
    await ensureTables([table], lake.deps);
    await ensureViews([view], options);
    for (const [epoch, rows] of REVISED_CASES[0].commits.entries()) await publish(table, epoch, rows);
    const described = await run(`DESCRIBE ${inTrino(viewName(view))}`);
    expect(described.map(([name, type, , comment]) => [name, type, comment])).toEqual([
      ["alert_id", "varchar", "The alert."],
      ["at", "timestamp(6) with time zone", "When."],
      ["figure", "bigint", "What was found."],
      ["status", "varchar", "raised or retracted."],
      ["revision", "integer", "Counts."],
    ]);
    const comments = await run(
      `SELECT comment FROM system.metadata.table_comments WHERE catalog_name = '${servers.trino.catalog}'
       AND schema_name = 'gold' AND table_name = '${view.name}'`,
    );
    expect(comments).toEqual([[view.doc]]);
    const [[plan]] = await run(
      `EXPLAIN SELECT * FROM ${inTrino(viewName(view))} WHERE at >= TIMESTAMP '2024-10-05 00:00:00 UTC'`,
    );
    expect(plan).toMatch(/at_day|constraint on \[at\]/);
  });

  it("are made by one of several processes, and stay as they are", async () => {
    const table = alertTable(lake.name);
    const view = viewOf(table);
    await ensureTables([table], lake.deps);
    const racing = await Promise.all(Array.from({ length: 4 }, () => ensureViews([view], options)));
    expect(racing.flatMap(({ left }) => left)).toEqual([]);
    const before = await lake.catalog.views.load(viewName(view));
    expect(await viewDifferences([view], options)).toEqual([]);
    expect(await ensureViews([view], options)).toEqual({ applied: [], left: [] });
    expect(await lake.catalog.views.load(viewName(view))).toEqual(before);
  });

  it("follow a table that got a column", async () => {
    const table = alertTable(lake.name);
    await ensureTables([table], lake.deps);
    await ensureViews([viewOf(table)], options);
    const wider = withNote(table);
    await ensureTables([wider], lake.deps);
    const name = viewName(viewOf(wider));
    expect(await run(`SELECT count(*) FROM ${inTrino(name)}`)).toEqual([[0]]);
    expect(await viewDifferences([viewOf(wider)], options)).toEqual([{ view: name, found: "other" }]);
    expect((await ensureViews([viewOf(wider)], options)).applied).toEqual([{ view: name, found: "other" }]);
    expect(await viewDifferences([viewOf(wider)], options)).toEqual([]);
    await publish(wider, 0, [["a", 20_000 * 86_400_000, 1, "raised", 1, "new"]]);
    expect(await run(`SELECT note FROM ${inTrino(name)}`)).toEqual([["new"]]);
    // Back again, to a version that the catalog has had.
    expect((await ensureViews([viewOf(table)], options)).applied).toHaveLength(1);
    expect(await viewDifferences([viewOf(table)], options)).toEqual([]);
  });

  it("leave alone what somebody else gave that name", async () => {
    const table = alertTable(lake.name);
    const other = alertTable(`${lake.name}_other`);
    const views = [viewOf(table), viewOf(other)];
    await ensureTables([table, other], lake.deps);
    await run(`CREATE VIEW ${inTrino(viewName(views[0]))} AS SELECT 1 AS theirs`);
    await run(`CREATE TABLE ${inTrino(viewName(views[1]))} AS SELECT 2 AS theirs`);
    const left = views.map((view) => ({ view: viewName(view), found: "foreign" }));
    expect(await ensureViews(views, options)).toEqual({ applied: [], left });
    expect(await run(`SELECT * FROM ${inTrino(viewName(views[0]))}`)).toEqual([[1]]);
    expect(await run(`SELECT * FROM ${inTrino(viewName(views[1]))}`)).toEqual([[2]]);
  });
});

function withNote(table: TableSpec): TableSpec {
  const columns = table.columns.map(
    ({ name, type, required, doc }) => [name, type, required ? "required" : "optional", doc] as const,
  );
  return defineTable({ ...table, columns: [...columns, ["note", "string", "optional", "New."]] });
}
