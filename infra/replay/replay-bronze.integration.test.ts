import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createModelRegistry } from "../../ml/index.ts";
import {
  bronzeDeadLetters,
  goldFlashSaleAlerts,
  goldPopularProducts,
  goldProductActivity,
  type TableSpec,
  tableName,
} from "../../schema/index.ts";
import { goldRevenueByCategory } from "../../stream/index.ts";
import type { Config } from "../config/index.ts";
import { openEmbeddedAdapters } from "../platform/embedded-adapters.ts";
import { lakeTables } from "../platform/lake-tables.ts";
import { CrashFeed } from "../scenarios/testing/crash-feed.ts";
import { SHOP } from "../scenarios/testing/crash-input.ts";
import { newestRows } from "../scenarios/testing/final-rows.ts";
import { copyOf, LakeReader } from "../scenarios/testing/lake-reader.ts";
import {
  freshFolder,
  removeFolder,
  scenarioConfig,
  withPlatform,
} from "../scenarios/testing/scenario-home.ts";
import type { ReplayRange } from "./bronze-log.ts";
import { mergeCorrections } from "./merge-corrections.ts";
import { replayBronze } from "./replay-bronze.ts";
import { keptHistoryMs, withWarmUp } from "./replay-range.ts";
import { runWhatIf } from "./what-if.ts";

const NO_DIFFERENCE = { lost: 0, surplus: 0, examples: [] };
const WHOLE: ReplayRange = { from: null, to: null };
/** A million by `MILLRACE_REPLAY_EVENTS=1000000`. */
const EVENTS = Number(process.env.MILLRACE_REPLAY_EVENTS ?? 15_000);
/** Refused records are none of bronze's events. */
const COMPARED = lakeTables.filter((table) => table !== bronzeDeadLetters);
const SETTINGS: Partial<Config> = { partitions: 2, checkpointIntervalMs: 1000 };

describe(`history of ${EVENTS} events out of bronze`, { timeout: 3_600_000 }, () => {
  const folder = freshFolder("replay-bronze");
  const home = (name: string) => join(folder, name);
  let config: Config;
  let reader: LakeReader;

  beforeAll(async () => {
    config = scenarioConfig(home("live"), SETTINGS);
    await withPlatform(config, async (platform) => {
      const productsSeen = async () => undefined;
      await new CrashFeed(platform.log, { partitions: 2, events: EVENTS, productsSeen }).finish();
      await platform.waitUntilProcessed();
    });
    reader = await LakeReader.open();
    await reader.copyLake(config, "live", COMPARED);
  }, 3_600_000);
  afterAll(() => {
    reader?.close();
    removeFolder(folder);
  });

  /** Replays the live home into another, with other settings where they are given. */
  async function replay(
    name: string,
    options: { range?: ReplayRange; settings?: Partial<Config>; stopAfter?: number } = {},
  ): Promise<boolean> {
    const { range = WHOLE, settings = {}, stopAfter } = options;
    const live = openEmbeddedAdapters(config.home, Date.now);
    const engine = live.openQueryEngine();
    const controller = new AbortController();
    if (stopAfter === 0) controller.abort();
    try {
      const { complete } = await replayBronze({
        engine,
        config: { ...config, ...settings },
        registry: createModelRegistry(live.objects),
        range,
        home: home(name),
        clock: Date.now,
        stopwatch: () => performance.now(),
        signal: controller.signal,
        onProgress: (done) => {
          if (stopAfter !== undefined && done >= stopAfter) controller.abort();
        },
      });
      return complete;
    } finally {
      await engine.close();
      await live.close();
    }
  }

  /** How many corrections came before the newest depends on which topic was read first. */
  const rowsOf = (schema: string, table: TableSpec): string =>
    table.columns.some(({ name }) => name === "revision")
      ? newestRows(schema, table)
      : `FROM ${copyOf(schema, table)}`;

  async function expectSame(schema: string, other: string, where = "true"): Promise<void> {
    for (const table of COMPARED) {
      const inRange = (of: string) =>
        `FROM (${rowsOf(of, table)}) WHERE ${where.replaceAll("$time", table.partitionByDayOf)}`;
      const difference = await reader.difference(inRange(schema), inRange(other));
      expect({ table: tableName(table), ...difference }).toEqual({
        table: tableName(table),
        ...NO_DIFFERENCE,
      });
    }
  }

  it("gives every row that the live run gave, byte for byte, and no other", async () => {
    expect(await replay("replayed")).toBe(true);
    await reader.copyLake({ ...config, home: home("replayed") }, "replayed", COMPARED);
    await expectSame("live", "replayed");
  });

  it("goes on where it was interrupted", async () => {
    const complete = await replay("interrupted", { stopAfter: 1, settings: { checkpointRecordsMax: 2000 } });
    if (EVENTS > 100_000) expect(complete).toBe(false);
    while (!(await replay("interrupted", { settings: { checkpointRecordsMax: 2000 } })));
    await reader.copyLake({ ...config, home: home("interrupted") }, "interrupted", COMPARED);
    await expectSame("live", "interrupted");
  });

  it("replays nothing where it was interrupted before it began", async () => {
    expect(await replay("stopped", { stopAfter: 0 })).toBe(false);
    await reader.copyLake({ ...config, home: home("stopped") }, "stopped", COMPARED);
    expect(await reader.rows("SELECT count(*)::INTEGER AS n FROM stopped.silver_events")).toEqual([{ n: 0 }]);
  });

  it.each([
    { of: "windows that lie in it", table: goldProductActivity, warmUpMs: 0 },
    { of: "refunds in it of what was bought before it", table: goldRevenueByCategory, warmUpMs: null },
  ])("of a range gives the rows of the $of", async ({ table, warmUpMs }) => {
    const [{ first, last }] = await reader.rows(
      `SELECT min(event_time) AS first, max(event_time) AS last FROM live.bronze_customer_events`,
    );
    const third = Math.floor((Number(last) - Number(first)) / 3 / 60_000) * 60_000;
    const from = Math.ceil(Number(first) / 60_000) * 60_000 + third;
    const to = from + third;
    const range = withWarmUp({ from, to, warmUpMs: warmUpMs ?? keptHistoryMs(config) });
    const name = `part_${table.name}`;
    expect(await replay(name, { range })).toBe(true);
    await reader.copyLake({ ...config, home: home(name) }, name, [table]);
    // Behind the start by the longest late event, before the end by what the end of the input cuts off.
    const inside = (schema: string) =>
      `FROM (${newestRows(schema, table)}) WHERE window_start >= ${from + 240_000} AND window_end <= ${to - 240_000}`;
    expect(await reader.count(inside(name))).toBeGreaterThan(10);
    expect(await reader.difference(inside("live"), inside(name))).toEqual(NO_DIFFERENCE);
  });

  it("under another setting says which alerts that gains and loses, and touches nothing live", async () => {
    const live = openEmbeddedAdapters(config.home, Date.now);
    const engine = live.openQueryEngine();
    try {
      const changed = { ...config, flashSaleViewsAbove: 20 };
      const report = await runWhatIf({
        engine,
        adapters: live,
        range: WHOLE,
        baseline: { config, models: {} },
        changed: { config: changed, models: {} },
        folder: home("what-if"),
        clock: Date.now,
        stopwatch: () => performance.now(),
      });
      expect(report.complete).toBe(true);
      // Only what the setting decides differs; more windows hold under the lower threshold.
      const flash = report.kinds.find(({ kind }) => kind === "flash-sale");
      expect(flash?.gained).toBeGreaterThan(0);
      for (const { kind, gained, lost } of report.kinds)
        if (kind !== "flash-sale") expect({ kind, gained, lost }).toEqual({ kind, gained: 0, lost: 0 });
      expect(report.examples.gained.every(({ kind }) => kind === "flash-sale")).toBe(true);
    } finally {
      await engine.close();
      await live.close();
    }
    await reader.copyLake(config, "after", COMPARED);
    await expectSame("live", "after");
  });

  it("merged into the lake corrects what differs and adds what is missing, once", async () => {
    // The last test: it changes the live home, whose history is told with another ranking and threshold.
    const settings = { popularHalfLifeMs: 60_000, flashSaleViewsAbove: 20 };
    await replay("other", { settings });
    const side = openEmbeddedAdapters(home("other"), Date.now);
    const lake = openEmbeddedAdapters(config.home, Date.now);
    const engines = { side: side.openQueryEngine(), lake: lake.openQueryEngine() };
    const tables = [goldPopularProducts, goldFlashSaleAlerts, goldProductActivity];
    const from = SHOP.startTime - 86_400_000;
    const merge = () =>
      mergeCorrections({
        ...engines,
        adapters: lake,
        tables,
        from,
        toOf: () => from + 60 * 86_400_000,
        fileBytesMax: 1 << 27,
        clock: Date.now,
      });
    const [popular, flash, activity] = await merge();
    expect(popular.corrected).toBeGreaterThan(10);
    expect(flash.added).toBeGreaterThan(0);
    expect(activity).toMatchObject({ added: 0, corrected: 0, onlyInLake: 0 });
    const again = await merge();
    expect(again.every(({ added, corrected }) => added === 0 && corrected === 0)).toBe(true);
    for (const engine of Object.values(engines)) await engine.close();
    await side.close();
    await lake.close();
    await reader.copyLake(config, "corrected", tables);
    await reader.copyLake({ ...config, home: home("other") }, "other", tables);
    for (const table of tables) {
      const missing = await reader.difference(newestRows("other", table), newestRows("corrected", table));
      expect({ table: table.name, lost: missing.lost }).toEqual({ table: table.name, lost: 0 });
    }
  });
});
