import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadInto, type ShopOptions } from "../../../stream/index.ts";
import type { Config } from "../../config/index.ts";
import { lakeTables } from "../../platform/lake-tables.ts";
import type { Platform } from "../../platform/platform.ts";
import { admitBronze, detectorDifference, detectorOracles } from "./bronze-oracle.ts";
import { CrashFeed } from "./crash-feed.ts";
import { LakeReader } from "./lake-reader.ts";
import { dataFile, freshFolder, removeFolder, withPlatform } from "./scenario-home.ts";

const NO_DIFFERENCE = { lost: 0, surplus: 0, examples: [] };
export const ONLINE_RETAIL = "orders/online-retail-2010-12-to-2011-08.csv.gz";

export interface DetectorMode {
  readonly name: Config["mode"];
  /** A platform that has nothing yet. */
  readonly freshConfig: (folder: string, flags: Partial<Config>) => Promise<Config>;
  /** Resolves when every task has read the products that the log holds now. */
  readonly productsSeen: (platform: Platform) => Promise<void>;
  /** Seeds of generated shops. */
  readonly seeds: readonly number[];
  /** Public files by format. */
  readonly files: readonly (readonly [format: string, path: string])[];
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
      users: 700,
      products: 200,
      categories: 12,
      malformedShare: 0.005,
      duplicateShare: 0.02,
      outOfOrderShare: 0.2,
      lateShare: 0.03,
      tooLateShare: 0.01,
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
      hasEverything: true,
      async feed(platform) {
        const productsSeen = () => mode.productsSeen(platform);
        const options = { partitions, events: SHOP_EVENTS, productsSeen, shop };
        await new CrashFeed(platform.log, options).finish();
      },
    });
  }
  for (const [format, path] of mode.files) {
    describeInput(mode, `the ${format} file`, {
      partitions: 2,
      async feed({ log }) {
        await loadInto(log, format, dataFile(path), { now: Date.now, endOfInput: true });
      },
    });
  }
}

interface DetectorInput {
  readonly partitions: number;
  /** Whether every table must get rows. */
  readonly hasEverything?: boolean;
  readonly feed: (platform: Platform) => Promise<void>;
}

function describeInput(mode: DetectorMode, title: string, input: DetectorInput): void {
  describe(`${title}, ${mode.name}, against the detectors' oracles over bronze`, () => {
    const folder = freshFolder("detectors");
    let reader: LakeReader;
    beforeAll(async () => {
      reader = await LakeReader.open();
      const config = await mode.freshConfig(join(folder, "home"), { partitions: input.partitions });
      await withPlatform(config, async (platform) => {
        await input.feed(platform);
        await platform.waitUntilProcessed();
      });
      await reader.copyLake(config, "lake", lakeTables);
      await admitBronze(reader, config);
    });
    afterAll(() => {
      reader?.close();
      removeFolder(folder);
    });

    it.each(detectorOracles.map((oracle) => ({ name: oracle.table.name, oracle })))(
      "has every row of $name, and no other",
      async ({ oracle }) => {
        expect(await detectorDifference(reader, oracle)).toEqual(NO_DIFFERENCE);
        if (input.hasEverything && oracle.table.name !== NEEDS_WEEKS)
          expect(await reader.count(oracle.oracle)).toBeGreaterThan(0);
      },
    );
  });
}
