import { goldPopularByCategory, goldPopularProducts, tableName } from "../../../schema/index.ts";
import { HotNamespace, type HotStore, type PopularProductsRecord } from "../../../stream/index.ts";
import { userError } from "../common/errors.ts";
import { readHot } from "../common/hot-reader.ts";
import type { LakeReader } from "../common/lake-reader.ts";
import { number, type Row, text, time } from "../common/row.ts";
import { Conditions, newestRevisions } from "../common/sql.ts";
import type { PopularProduct, PopularProducts, PopularProductsArgs } from "./type.ts";

const POPULAR_MAX = 100;

export class PopularProductsService {
  private readonly lake: LakeReader;
  private readonly hotStore: HotStore;

  constructor(lake: LakeReader, hotStore: HotStore) {
    this.lake = lake;
    this.hotStore = hotStore;
  }

  /** The live list; the lake's newest window where there is none, or where a snapshot is asked for. */
  async popular({ limit, asOf, categoryId }: PopularProductsArgs): Promise<PopularProducts> {
    if (limit < 1 || limit > POPULAR_MAX) {
      throw userError("invalid-argument", `limit must be between 1 and ${POPULAR_MAX}, it is ${limit}.`);
    }
    const key = categoryId === null || categoryId === undefined ? "all" : `category:${categoryId}`;
    const record =
      asOf === null || asOf === undefined
        ? await readHot<PopularProductsRecord>(this.hotStore, HotNamespace.popularProducts, key)
        : null;
    if (record === null) return this.fromLake(limit, categoryId, asOf);
    return {
      windowStart: record.windowStart,
      windowEnd: record.windowEnd,
      items: record.items.slice(0, limit),
      source: "live",
      freshness: { watermark: this.lake.watermark(), snapshotId: null, committedAt: null },
    };
  }

  private async fromLake(
    limit: number,
    categoryId: string | null | undefined,
    asOf: string | null | undefined,
  ): Promise<PopularProducts> {
    const isOfCategory = categoryId !== null && categoryId !== undefined;
    const table = isOfCategory ? goldPopularByCategory : goldPopularProducts;
    const pinned = await this.lake.pin(table, asOf);
    const newest = await this.lake.rows(
      pinned,
      `select window_start, window_end from {${tableName(table)}} order by window_start desc limit 1`,
    );
    const base = { source: "lake", freshness: pinned.freshness } as const;
    if (newest.length === 0) return { windowStart: null, windowEnd: null, items: [], ...base };
    const windowStart = time(newest[0], "window_start");
    const conditions = new Conditions().compare("window_start", "=", new Date(windowStart));
    const holding = `select * from (${newestRevisions(table, conditions)}) as holding`;
    // A correction may move a product to another category: what holds is asked for first.
    if (isOfCategory) conditions.parameters.push(categoryId);
    const ofCategory = isOfCategory ? ` where category_id = $${conditions.parameters.length}` : "";
    const sql = `${holding}${ofCategory} order by rank limit ${limit}`;
    const rows = await this.lake.rows(pinned, sql, conditions);
    return { windowStart, windowEnd: time(newest[0], "window_end"), items: rows.map(toItem), ...base };
  }
}

function toItem(row: Row): PopularProduct {
  return {
    rank: number(row, "rank"),
    productId: text(row, "product_id"),
    score: number(row, "score"),
    views: number(row, "views"),
    cartAdds: number(row, "cart_adds"),
    purchases: number(row, "purchases"),
  };
}
