import { copyFile, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { copyOptions } from "../../lakehouse/adapters/duckdb-sql.ts";
import { icebergSchema } from "../../lakehouse/table/schema.ts";
import { type TableSpec, tableName } from "../../schema/index.ts";
import { type Alert, goldRevenueByCategory } from "../../stream/index.ts";
import { type CliRun, runCli } from "./testing/run-cli.ts";

const START = Date.UTC(2026, 0, 5);
const TYPES = ["page_view", "item_view", "cart_add", "purchase"];

/** An event every ten minutes of two days; each purchase in a category of its own. */
function events(): object[] {
  return Array.from({ length: 288 }, (_, i) => ({
    ...{ eventId: `e${i}`, eventType: TYPES[i % 4], eventTime: START + i * 600_000, userId: `u${i % 5}` },
    ...{ productId: `p${i % 9}`, categoryId: `c${i % 3}`, priceMinor: 500 + i, currency: "EUR", quantity: 2 },
  }));
}

describe("millrace quality", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "millrace-quality-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const run = (...args: string[]): Promise<CliRun> => runCli(args, { folder });
  const lines = ({ out }: CliRun) =>
    out
      .trimEnd()
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line));
  const rows = async (sql: string): Promise<unknown[]> =>
    lines(await run("query", sql, "--format", "ndjson"));
  const alerts = async (): Promise<Alert[]> => lines(await run("consume", "alerts"));

  test("says how it is called", async () => {
    expect(await run("quality")).toMatchObject({ code: 2, err: expect.stringContaining("millrace up") });
    await run("topics", "apply");
    expect(await run("quality", "--since", "yesterday")).toMatchObject({ code: 2 });
    const { code, err } = await run("quality", "--table", "silver.evnts");
    expect([code, err]).toEqual([2, expect.stringContaining("silver.events")]);
  });

  test("passes on a lake without rows, and on what the platform made of events", async () => {
    const empty = await run("quality", "--json");
    expect(empty).toMatchObject({ code: 0 });
    expect(new Set(JSON.parse(empty.out).checks.map(({ status }: { status: string }) => status))).toEqual(
      new Set(["skipped"]),
    );
    const file = join(folder, "events.ndjson");
    await writeFile(
      file,
      events()
        .map((event) => JSON.stringify(event))
        .join("\n"),
    );
    expect((await run("replay", "ndjson", file, "--wait")).code).toBe(0);
    const { code, out } = await run("quality");
    expect(code).toBe(0);
    expect(out).toMatch(/gold\.revenue_by_category +equals-silver +reconciliation +error +passed +0 +0 +\d+/);
    expect(out).toMatch(/\d+ checks: \d+ passed, 0 failed, 0 unknown, \d+ skipped/);
    expect(
      await rows(
        `SELECT count(DISTINCT checked_at) AS runs, count(*) FILTER (WHERE status = 'failed') AS failed,
           count(*) FILTER (WHERE failing_since IS NOT NULL) AS failing FROM gold.data_quality`,
      ),
    ).toEqual([{ runs: 2, failed: 0, failing: 0 }]);
  });

  test("finds rows that were changed behind its back, raises an alert, and takes it back", async () => {
    const restore = await overwrite(
      join(folder, ".millrace"),
      goldRevenueByCategory,
      "revenue_minor + 1 AS revenue_minor, net_minor + 1 AS net_minor",
    );
    for (let repeat = 0; repeat < 2; repeat++) {
      const { code, out, err } = await run("quality", "--json", "--table", "gold.revenue_by_category");
      expect([code, err]).toEqual([1, expect.stringContaining("gold.revenue_by_category equals-silver")]);
      const failing = JSON.parse(out).checks.filter(({ status }: { status: string }) => status === "failed");
      expect(failing).toEqual([
        expect.objectContaining({ check: "equals-silver", kind: "reconciliation", threshold: 0 }),
      ]);
      expect(failing[0].measured).toBe(failing[0].rows);
      expect(failing[0].sample[0]).toMatchObject({ category_id: expect.any(String), currency: "EUR" });
    }
    await restore();
    expect((await run("quality", "--table", "gold.revenue_by_category")).code).toBe(0);
    const raised = (await alerts()).filter(({ kind }) => kind === "data-quality");
    expect(raised.map(({ status, revision }) => [status, revision])).toEqual([
      ["raised", 1],
      ["retracted", 2],
    ]);
    expect(raised[0]).toMatchObject({
      id: raised[1].id,
      severity: "high",
      title: "gold.revenue_by_category: equals-silver fails",
      figures: { table: "gold.revenue_by_category", check: "equals-silver", threshold: 0 },
    });
    expect(
      await rows(
        `SELECT status, count(DISTINCT failing_since) AS since FROM gold.data_quality
         WHERE check_name = 'equals-silver' AND table_name = 'gold.revenue_by_category' GROUP BY 1 ORDER BY 1`,
      ),
    ).toEqual([
      { status: "failed", since: 1 },
      { status: "passed", since: 0 },
      { status: "skipped", since: 0 },
    ]);
  });
});

/** Changes columns in the data files of a table, in place; resolves to what undoes it. */
async function overwrite(home: string, table: TableSpec, columns: string): Promise<() => Promise<void>> {
  const data = join(home, "lake", ...tableName(table).split("."), "data");
  const files = (await readdir(data, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && entry.name.endsWith(".parquet"))
    .map((entry) => join(entry.parentPath, entry.name));
  const connection = await (await DuckDBInstance.create(":memory:")).connect();
  for (const file of files) {
    await copyFile(file, `${file}.kept`);
    await connection.run(
      `COPY (SELECT * REPLACE (${columns}) FROM read_parquet('${file}.kept', hive_partitioning = false))
       TO '${file}' (${copyOptions(icebergSchema(table).fields)})`,
    );
  }
  connection.closeSync();
  return async () => {
    for (const file of files) await copyFile(`${file}.kept`, file);
  };
}
