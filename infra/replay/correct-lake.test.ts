import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createModelRegistry } from "../../ml/index.ts";
import { bronzeDeadLetters, type TableSpec, tableName } from "../../schema/index.ts";
import { goldRevenueByCategory } from "../../stream/index.ts";
import type { Config } from "../config/index.ts";
import { openEmbeddedAdapters } from "../platform/embedded-adapters.ts";
import { lakeTables } from "../platform/lake-tables.ts";
import { admitBronze, detectorOracles } from "../scenarios/testing/bronze-oracle.ts";
import { CrashFeed } from "../scenarios/testing/crash-feed.ts";
import { newestRows } from "../scenarios/testing/final-rows.ts";
import { LakeReader } from "../scenarios/testing/lake-reader.ts";
import {
  freshFolder,
  removeFolder,
  scenarioConfig,
  withPlatform,
} from "../scenarios/testing/scenario-home.ts";
import { correctLake } from "./correct-lake.ts";

const NO_DIFFERENCE = { lost: 0, surplus: 0, examples: [] };
const EVENTS = 15_000;
const COPIED = lakeTables.filter((table) => table !== bronzeDeadLetters);
const DERIVED = COPIED.filter(({ namespace }) => namespace !== "bronze");
const REVENUE_ORACLE = detectorOracles.find(({ table }) => table === goldRevenueByCategory)!.oracle;

describe("corrections of a range of the lake", { timeout: 600_000 }, () => {
  const folder = freshFolder("correct-lake");
  let config: Config;
  let reader: LakeReader;
  let range: { readonly from: number; readonly to: number };

  beforeAll(async () => {
    config = scenarioConfig(join(folder, "live"), { partitions: 2, checkpointIntervalMs: 1000 });
    await feed(config, true);
    reader = await LakeReader.open();
    await reader.copyLake(config, "lake", COPIED);
    await reader.run("CREATE SCHEMA before");
    await reader.copyLake(config, "before", COPIED);
    const [{ first, last }] = await reader.rows(
      "SELECT min(event_time) AS first, max(event_time) AS last FROM lake.bronze_customer_events",
    );
    const third = (Number(last) - Number(first)) / 3;
    range = { from: Math.floor(Number(first) + third), to: Math.floor(Number(last) - third) };
  }, 600_000);
  afterAll(() => {
    reader?.close();
    removeFolder(folder);
  });

  /** Fills a home with a shop, whose input ends, or may go on. */
  async function feed(into: Config, ends: boolean): Promise<void> {
    await withPlatform(into, async (platform) => {
      const productsSeen = async () => undefined;
      const shop = new CrashFeed(platform.log, { partitions: 2, events: EVENTS, productsSeen });
      if (ends) await shop.finish();
      else await shop.append(Number.POSITIVE_INFINITY, 0);
      await platform.waitUntilProcessed();
    });
  }

  async function correct(of: Config, name: string, settings: Partial<Config> = {}) {
    const adapters = openEmbeddedAdapters(of.home, Date.now);
    const engine = adapters.openQueryEngine();
    try {
      return await correctLake({
        engine,
        adapters,
        config: { ...of, ...settings },
        registry: createModelRegistry(adapters.objects),
        tables: DERIVED,
        ...range,
        home: join(folder, name),
        clock: Date.now,
        stopwatch: () => performance.now(),
      });
    } finally {
      await engine.close();
      await adapters.close();
    }
  }

  const newest = (schema: string, table: TableSpec, where: string): string =>
    `FROM (${newestRows(schema, table)}) WHERE ${where}`;
  const inRange = (): string => `window_start >= ${range.from} AND window_start < ${range.to}`;

  it("change nothing under the same settings, where rows hang on what lies outside of the range", async () => {
    await admitBronze(reader, config);
    const failed = `SELECT DISTINCT order_id FROM admitted_customer_events e JOIN admitted_payments p USING (order_id), settings
      WHERE e.event_type = 'purchase' AND e.at_ms < ${range.from} AND p.status = 'failed'
        AND p.at_ms + revenue_failed_after_ms >= ${range.from} AND p.at_ms + revenue_failed_after_ms < ${range.to}`;
    expect(await reader.count(failed)).toBeGreaterThan(0);
    const { complete, leftAloneFrom, tables } = await correct(config, "same");
    expect({ complete, leftAloneFrom }).toEqual({ complete: true, leftAloneFrom: null });
    expect(tables.map(({ table }) => table)).toEqual(DERIVED.map(tableName));
    expect(tables.filter((one) => one.added + one.corrected + one.onlyInLake > 0)).toEqual([]);
  });

  it("give what the oracle says of all of history under other settings, and touch nothing outside", async () => {
    const settings = { revenueFailedAfterMs: 60_000 };
    const { tables } = await correct(config, "other", settings);
    const revenue = tables.find(({ table }) => table === tableName(goldRevenueByCategory));
    expect(revenue?.corrected).toBeGreaterThan(0);
    await reader.copyLake(config, "after", [goldRevenueByCategory]);
    await reader.run(`UPDATE settings SET revenue_failed_after_ms = ${settings.revenueFailedAfterMs}`);
    const expected = `FROM (${REVENUE_ORACLE}) WHERE ${inRange()}`;
    expect(
      await reader.difference(expected, newest("after", goldRevenueByCategory, inRange())),
    ).toMatchObject({ lost: 0 });
    const outside = (schema: string) => newest(schema, goldRevenueByCategory, `NOT (${inRange()})`);
    expect(await reader.difference(outside("before"), outside("after"))).toEqual(NO_DIFFERENCE);
  });

  it("leave alone what may still change, and say so", async () => {
    const open = { ...config, home: join(folder, "open") };
    await feed(open, false);
    await expect(correct(open, "unsettled")).rejects.toThrow(
      "may still change: correct what is before 2019-",
    );
  });
});
