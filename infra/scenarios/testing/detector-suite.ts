import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  bronzeRuleChanges,
  goldOrderAlerts,
  loadInto,
  type ShopOptions,
  type ShopTruth,
} from "../../../stream/index.ts";
import type { Config } from "../../config/index.ts";
import { lakeTables } from "../../platform/lake-tables.ts";
import type { Platform } from "../../platform/platform.ts";
import { API_AUTHOR, API_REASON, API_RULE, addRuleThroughApi } from "./api-rule-change.ts";
import { admitBronze, detectorDifference, detectorOracles } from "./bronze-oracle.ts";
import { CrashFeed } from "./crash-feed.ts";
import { copyOf, LakeReader } from "./lake-reader.ts";
import { checkTruth, precisionOf, recallOf, type TruthCheck, truthTable } from "./planted-truth.ts";
import { dataFile, freshFolder, removeFolder, withPlatform } from "./scenario-home.ts";

const NO_DIFFERENCE = { lost: 0, surplus: 0, examples: [] };
export const ONLINE_RETAIL = "orders/online-retail-2010-12-to-2011-08.csv.gz";

export interface DetectorMode {
  readonly name: Config["mode"];
  /** A platform that has nothing yet. */
  readonly freshConfig: (folder: string, flags: Partial<Config>) => Promise<Config>;
  /** Resolves when every task has read the products and rule changes that the log holds now. */
  readonly productsSeen: (platform: Platform) => Promise<void>;
  /** Seeds of generated shops. */
  readonly seeds: readonly number[];
  /** Seeds of those whose workers are killed meanwhile, and who kills them. */
  readonly killed?: {
    readonly seeds: readonly number[];
    readonly process: (config: Config, run: ShopRun) => Promise<ShopTruth>;
  };
  /** Public files by format. */
  readonly files: readonly (readonly [format: string, path: string])[];
}

/** A shop, of which all is appended, processed and published. */
export interface ShopRun {
  /** Customer events. */
  readonly events: number;
  readonly shop: Partial<ShopOptions>;
  /** Changes a rule, before anything of the shop is appended. */
  readonly prepare: (platform: Platform) => Promise<void>;
}

/** Shops of all topics, of three paces in turn, with every planted fault. */
function shopOf(seed: number): { readonly partitions: number; readonly shop: Partial<ShopOptions> } {
  const pace = [
    { eventsPerSecond: 2, flashSaleEveryMs: 900_000, fraudRingEveryMs: 600_000, labelDelayMs: 600_000 },
    { eventsPerSecond: 10, flashSaleEveryMs: 300_000, fraudRingEveryMs: 200_000, labelDelayMs: 300_000 },
    { eventsPerSecond: 40, flashSaleEveryMs: 60_000, fraudRingEveryMs: 60_000, labelDelayMs: 60_000 },
  ][seed % 3];
  return {
    partitions: [2, 1, 4][seed % 3],
    shop: {
      ...pace,
      seed,
      startTime: Date.UTC(2024, 1, 29, 22, 30),
      users: 2000,
      products: 200,
      categories: 12,
      malformedShare: 0.005,
      duplicateShare: 0.02,
      outOfOrderShare: 0.2,
      lateShare: 0.03,
      tooLateShare: 0.01,
      stockUnits: 55,
    },
  };
}

/** A season is known after weeks; a shop is a day at most. */
const NEEDS_WEEKS = "anomalies";
/** Events of a shop; small, since there are several. */
const SHOP_EVENTS = 12_000;

/** Every table of every detector against its oracle over bronze, the same in every mode. */
export function describeDetectors(mode: DetectorMode): void {
  for (const seed of mode.seeds) {
    const { partitions, shop } = shopOf(seed);
    describeInput(mode, `a generated shop, seed ${seed}, on ${partitions} partitions`, {
      partitions,
      isShop: true,
      process: straight(async (platform) => {
        await addRuleThroughApi(platform);
        const productsSeen = () => mode.productsSeen(platform);
        const feed = new CrashFeed(platform.log, { partitions, events: SHOP_EVENTS, productsSeen, shop });
        await feed.finish();
        return feed.truth();
      }),
    });
  }
  const { killed } = mode;
  for (const seed of killed?.seeds ?? []) {
    const { partitions, shop } = shopOf(seed);
    describeInput(mode, `a generated shop, seed ${seed}, on ${partitions} partitions, its workers killed`, {
      partitions,
      isShop: true,
      process: (config) => killed!.process(config, { events: SHOP_EVENTS, shop, prepare: addRuleThroughApi }),
    });
  }
  for (const [format, path] of mode.files) {
    describeInput(mode, `the ${format} file`, {
      partitions: 2,
      isShop: false,
      process: straight(async ({ log }) => {
        await loadInto(log, format, dataFile(path), { now: Date.now, endOfInput: true });
        return null;
      }),
    });
  }
}

interface DetectorInput {
  readonly partitions: number;
  /** A generated shop has rows for every table, its truth, and a rule that was changed through the API. */
  readonly isShop: boolean;
  /** Runs a platform on it until all is processed; resolves to what was planted, null where nobody knows. */
  readonly process: (config: Config) => Promise<ShopTruth | null>;
}

/** Runs the platform without a disturbance while `feed` appends, and until all of it is processed. */
function straight(feed: (platform: Platform) => Promise<ShopTruth | null>): DetectorInput["process"] {
  return (config) =>
    withPlatform(config, async (platform) => {
      const truth = await feed(platform);
      await platform.waitUntilProcessed();
      return truth;
    });
}

function describeInput(mode: DetectorMode, title: string, input: DetectorInput): void {
  describe(`${title}, ${mode.name}, against the detectors' oracles over bronze`, () => {
    const folder = freshFolder("detectors");
    let reader: LakeReader;
    let checks: readonly TruthCheck[] = [];
    beforeAll(async () => {
      reader = await LakeReader.open();
      const config = await mode.freshConfig(join(folder, "home"), { partitions: input.partitions });
      const truth = await input.process(config);
      await reader.copyLake(config, "lake", lakeTables);
      await admitBronze(reader, config);
      if (truth !== null) checks = await checkTruth(reader, truth);
    });
    afterAll(() => {
      reader?.close();
      removeFolder(folder);
    });

    it.each(detectorOracles.map((oracle) => ({ name: oracle.table.name, oracle })))(
      "has every row of $name, and no other",
      async ({ oracle }) => {
        expect(await detectorDifference(reader, oracle)).toEqual(NO_DIFFERENCE);
        if (input.isShop && oracle.table.name !== NEEDS_WEEKS)
          expect(await reader.count(oracle.oracle)).toBeGreaterThan(0);
      },
    );

    if (!input.isShop) return;

    it("finds what was planted, and tells of little else", () => {
      console.info(truthTable(title.slice(title.indexOf("seed")), checks));
      const missed = checks.filter(
        (check) => precisionOf(check) < check.least.precision || recallOf(check) < check.least.recall,
      );
      expect(missed).toEqual([]);
      // Whether a product runs as low as its reorder point is a matter of the seed.
      const absent = checks.filter(({ planted }) => planted === 0).map(({ name }) => name);
      expect(absent.filter((name) => name !== "stock-recovery")).toEqual([]);
    });

    it("judges by a rule that was added through the API, and keeps who added it", async () => {
      const changes = `FROM ${copyOf("lake", bronzeRuleChanges)} WHERE rule_id = '${API_RULE.id}'`;
      const [change, ...more] = await reader.rows(`SELECT changed_by, reason, rule ${changes}`);
      expect(more).toEqual([]);
      expect(change).toMatchObject({ changed_by: API_AUTHOR, reason: API_REASON });
      expect(JSON.parse(String(change.rule))).toEqual(API_RULE);
      const alerts = `FROM ${copyOf("lake", goldOrderAlerts)} WHERE rule = '${API_RULE.id}@1'`;
      expect(await reader.count(alerts)).toBeGreaterThan(20);
    });
  });
}
