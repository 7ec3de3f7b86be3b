import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type TableSpec, takenBack, type ViewSpec, viewName } from "../../../schema/index.ts";
import type { Config } from "../../config/index.ts";
import { lakeViews } from "../../platform/lake-tables.ts";
import { CrashFeed } from "./crash-feed.ts";
import { copyThroughEngine } from "./engine-copy.ts";
import { NEEDS_MORE } from "./final-rows.ts";
import { copyOf, LakeReader } from "./lake-reader.ts";
import { freshFolder, removeFolder, withPlatform } from "./scenario-home.ts";

const NO_DIFFERENCE = { lost: 0, surplus: 0, examples: [] };
const EVENTS = 6_000;
/** A shop of all topics, of which much comes late. */
const SHOP = {
  seed: 7,
  eventsPerSecond: 10,
  flashSaleEveryMs: 120_000,
  fraudRingEveryMs: 120_000,
  labelDelayMs: 300_000,
  startTime: Date.UTC(2024, 1, 29, 23, 55),
  users: 600,
  products: 100,
  categories: 8,
  outOfOrderShare: 0.2,
  lateShare: 0.1,
  stockUnits: 55,
};

export interface ViewMode {
  readonly name: Config["mode"];
  /** A platform that has nothing yet. */
  readonly freshConfig: (folder: string) => Promise<Config>;
  /** What the view is to the platform's query engine, by who makes it. */
  readonly relations: Readonly<Record<string, (view: ViewSpec) => string>>;
  /** Describes more of the same lake, whose tables with views the reader has in the schema `lake`. */
  readonly also?: (lake: () => { readonly config: Config; readonly reader: LakeReader }) => void;
}

/** Every view of a lake that late events have corrected, against its table as DuckDB's own extension reads it. */
export function describeViews({ name, freshConfig, relations, also }: ViewMode): void {
  describe(`the views of the rows that hold, ${name}`, () => {
    const folder = freshFolder("views");
    const tables = lakeViews.map(({ table }) => table);
    let reader: LakeReader;
    let config: Config;
    beforeAll(async () => {
      reader = await LakeReader.open();
      config = await freshConfig(join(folder, "home"));
      await withPlatform(config, async (platform) => {
        const { partitions } = config;
        const productsSeen = async () => undefined;
        const feed = new CrashFeed(platform.log, { partitions, events: EVENTS, productsSeen, shop: SHOP });
        await feed.finish();
        await platform.waitUntilProcessed();
        for (const [schema, relation] of Object.entries(relations)) {
          const relationOf = (table: TableSpec) => relation(lakeViews[tables.indexOf(table)]);
          await copyThroughEngine(platform.queryEngine, reader, { schema, tables, folder, relationOf });
        }
      });
      await reader.copyLake(config, "lake", tables);
    });
    afterAll(() => {
      reader?.close();
      removeFolder(folder);
    });

    it.each(lakeViews.map((view) => ({ view: viewName(view), table: view.table })))(
      "has in $view the newest row of every key, and no other",
      async ({ table }) => {
        for (const schema of Object.keys(relations))
          expect(await reader.difference(heldRows(table), `FROM ${copyOf(schema, table)}`)).toEqual(
            NO_DIFFERENCE,
          );
      },
    );

    it("has fewer rows than the tables, which late events have corrected", async () => {
      for (const table of tables) {
        if (NEEDS_MORE.includes(`${table.namespace}.${table.name}`)) continue;
        const written = await reader.count(`FROM ${copyOf("lake", table)}`);
        const held = await reader.count(heldRows(table));
        expect([table.name, held > 0, held <= written]).toEqual([table.name, true, true]);
      }
      for (const corrected of ["orders", "page_views_by_user", "revenue_by_category", "popular_products"]) {
        const table = tables.find((one) => one.name === corrected)!;
        const replaced = `FROM ${copyOf("lake", table)} WHERE revision > 1`;
        expect([corrected, (await reader.count(replaced)) > 0]).toEqual([corrected, true]);
      }
    });

    also?.(() => ({ config, reader }));
  });
}

/** The rows for which there is no newer one: in other words than the views have. */
function heldRows(table: TableSpec): string {
  const rows = copyOf("lake", table);
  const none = takenBack(table);
  const isThere = none === null ? "" : ` AND CAST(held.${none.column} AS VARCHAR) <> '${none.value}'`;
  const version = table.newestRunBy ?? "revision";
  const key = table.newestRunBy === undefined ? (table.correctedBy ?? table.key) : [];
  const isSame = key.map((name) => ` AND newer.${name} IS NOT DISTINCT FROM held.${name}`).join("");
  return `SELECT held.* FROM ${rows} held WHERE NOT EXISTS (
    SELECT 1 FROM ${rows} newer WHERE newer.${version} > held.${version}${isSame})${isThere}`;
}
