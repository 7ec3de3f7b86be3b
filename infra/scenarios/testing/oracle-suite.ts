import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ShopTruth, writeNdjson } from "../../../stream/index.ts";
import type { Config } from "../../config/index.ts";
import type { Platform } from "../../platform/platform.ts";
import { DERIVED, OracleRun, type OracleRunOptions, REPORTED } from "./oracle-run.ts";
import { readNdjson, readRees46 } from "./raw-input.ts";
import { dataFile, freshFolder, REES46, REES46_DAY, removeFolder } from "./scenario-home.ts";

const NO_DIFFERENCE = { lost: 0, surplus: 0, examples: [] };

/** A mode of the platform, as the scenarios run it. */
export interface ScenarioMode {
  readonly name: Config["mode"];
  /** A platform that has nothing yet, with the defaults of a fresh installation and the given settings. */
  readonly freshConfig: (folder: string, flags: Partial<Config>) => Promise<Config>;
  /** Who reads the lake for the comparison, in turn. */
  readonly lakeReaders: readonly OracleRunOptions["lakeReadBy"][];
  /** Looks at the platform when it has processed the REES46 file. */
  readonly whenReplayed?: (platform: Platform) => Promise<void>;
}

/** The suite of the scenarios against the oracles, the same in every mode. */
export function describeOracles(mode: ScenarioMode): void {
  describeRees46(mode);
  for (const [i, shop] of SHOPS.entries()) {
    describeShop(mode, shop, mode.lakeReaders[i % mode.lakeReaders.length]);
  }
}

function describeRees46(mode: ScenarioMode): void {
  describe(`the REES46 file, replayed ${mode.name}, against the oracles over the raw CSV`, () => {
    const folder = freshFolder("oracle-rees46");
    let run: OracleRun;
    beforeAll(async () => {
      run = await OracleRun.open({
        folder,
        format: "rees46",
        file: dataFile(REES46),
        config: await mode.freshConfig(folder, { partitions: 2 }),
        lakeReadBy: mode.lakeReaders[0],
        readRaw: readRees46,
        reportedDays: [REES46_DAY],
        ...(mode.whenReplayed && { whenProcessed: mode.whenReplayed }),
      });
    });
    afterAll(() => {
      run?.close();
      removeFolder(folder);
    });

    it("has every row once in bronze, equal to the CSV, and refuses none", async () => {
      expect(await run.bronze()).toEqual(NO_DIFFERENCE);
      expect(await run.deadLettersByReason()).toEqual({});
      // 17,434 rows; in time order to the second, so none is late.
      expect(await run.counts()).toEqual({ events: 17_434, ids: 17_434, duplicates: 0, late: 0, tooLate: 0 });
    });

    it("has every event once in silver", async () => {
      expect(await run.silver()).toEqual(NO_DIFFERENCE);
    });

    it.each([...DERIVED, ...REPORTED])("has every row of %s, and no other", async (name) => {
      expect(await run.derived(name)).toEqual(NO_DIFFERENCE);
      // No product of these three hours has over 100 views and under 5 purchases in ten minutes.
      if (name !== "flash_sale_alerts") expect(await run.rowsOf(name)).toBeGreaterThan(0);
    });
  });
}

/** What the planted faults are refused for. */
const REASONS: Readonly<Record<string, string>> = {
  "cut-off": "invalid-json",
  "time-not-a-number": "wrong-type",
  "unknown-event-type": "unknown-symbol",
  "negative-time": "out-of-range",
  "no-user": "missing-field",
};

/**
 * Shops of three paces: hours of few events with many sessions, and minutes of many. What is added up
 * over all tasks has to be right with any number of them.
 */
const SHOPS = [
  { seed: 1, eventsPerSecond: 2, flashSaleEveryMs: 900_000, partitions: 4 },
  { seed: 2, eventsPerSecond: 10, flashSaleEveryMs: 300_000, partitions: 2 },
  { seed: 3, eventsPerSecond: 40, flashSaleEveryMs: 60_000, partitions: 1 },
] as const;

function describeShop(
  mode: ScenarioMode,
  { partitions, ...shop }: (typeof SHOPS)[number],
  lakeReadBy: OracleRunOptions["lakeReadBy"],
): void {
  describe(`a generated shop, seed ${shop.seed}, ${mode.name} on ${partitions} partitions, against the oracles over its NDJSON (${lakeReadBy})`, () => {
    const folder = freshFolder(`oracle-shop-${shop.seed}`);
    let run: OracleRun;
    let truth: ShopTruth;
    beforeAll(async () => {
      const file = join(folder, "events.ndjson");
      truth = await writeNdjson(file, {
        ...shop,
        customerEventsMax: 25_000,
        // Past for every clock: an event of the future would be refused.
        startTime: Date.UTC(2024, 1, 29, 22, 30),
        users: 700,
        products: 200,
        categories: 12,
        malformedShare: 0.01,
        duplicateShare: 0.02,
        outOfOrderShare: 0.2,
        lateShare: 0.03,
        tooLateShare: 0.01,
      });
      const config = await mode.freshConfig(folder, { partitions });
      run = await OracleRun.open({
        ...{ folder, format: "ndjson", file, config, lakeReadBy, readRaw: readNdjson },
        // Those of few events a second go on behind midnight.
        reportedDays: ["2024-02-29", "2024-03-01"],
      });
    });
    afterAll(() => {
      run?.close();
      removeFolder(folder);
    });

    it("has every valid record once in bronze, repeats included", async () => {
      expect(await run.bronze()).toEqual(NO_DIFFERENCE);
      const { valid, duplicates } = truth.customerEvents;
      expect(await run.counts()).toMatchObject({ events: valid + duplicates, ids: valid, duplicates });
    });

    it("has a dead letter for every planted fault, with its reason and position", async () => {
      expect(await run.deadLetters()).toEqual(NO_DIFFERENCE);
      const planted = Object.entries(truth.customerEvents.malformed).map(([fault, n]) => [REASONS[fault], n]);
      expect(await run.deadLettersByReason()).toEqual(Object.fromEntries(planted));
    });

    it("has every distinct valid event once in silver, late ones marked", async () => {
      expect(await run.silver()).toEqual(NO_DIFFERENCE);
      const { late, tooLate } = await run.counts();
      expect(Math.min(late, tooLate)).toBeGreaterThan(50);
    });

    it.each([...DERIVED, ...REPORTED])("has every row of %s, and no other", async (name) => {
      expect(await run.derived(name)).toEqual(NO_DIFFERENCE);
      expect(await run.rowsOf(name)).toBeGreaterThan(0);
    });
  });
}
