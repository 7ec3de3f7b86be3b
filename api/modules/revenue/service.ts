import {
  CATEGORY_REVENUE,
  type CategoryRevenueRecord,
  goldRevenueByCategory,
  type HotStore,
} from "../../../stream/index.ts";
import { userError } from "../common/errors.ts";
import { readHot } from "../common/hot-reader.ts";
import type { LakeReader } from "../common/lake-reader.ts";
import { long, number, type Row, text, time } from "../common/row.ts";
import { Conditions, newestRevisions } from "../common/sql.ts";
import type { CategoryRevenue, Granularity, RevenueArgs, RevenueByCategory } from "./type.ts";

const REVENUE_ROWS_MAX = 10_000;
const CATEGORIES_MAX = 100;
const BUCKET_MS: Record<Granularity, number> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };

export class RevenueService {
  private readonly lake: LakeReader;
  private readonly hotStore: HotStore;

  constructor(lake: LakeReader, hotStore: HotStore) {
    this.lake = lake;
    this.hotStore = hotStore;
  }

  /** Revenue per bucket, category and currency, from the newest revision of each window. */
  async byCategory(args: RevenueArgs): Promise<RevenueByCategory> {
    const { from, to, granularity } = args;
    if ((args.categoryIds?.length ?? 0) > CATEGORIES_MAX) {
      throw userError("invalid-argument", `categoryIds takes at most ${CATEGORIES_MAX}.`);
    }
    const conditions = new Conditions()
      .oneOf("category_id", args.categoryIds)
      .within("window_start", from, to);
    const pinned = await this.lake.pin(goldRevenueByCategory, args.asOf);
    // `granularity` is one of three words of ours, not the caller's text.
    const sql =
      `select date_trunc('${granularity}', window_start) as bucket, category_id, currency, ` +
      "cast(sum(revenue_minor) as bigint) as revenue_minor, cast(sum(units) as bigint) as units, " +
      "cast(sum(purchases) as bigint) as purchases, cast(sum(refunded_minor) as bigint) as refunded_minor, " +
      "cast(sum(net_minor) as bigint) as net_minor " +
      `from (${newestRevisions(goldRevenueByCategory, conditions)}) as holding ` +
      `where bookings > 0 group by 1, 2, 3 order by 1, 2, 3 limit ${REVENUE_ROWS_MAX + 1}`;
    const rows = await this.lake.rows(pinned, sql, conditions);
    if (rows.length > REVENUE_ROWS_MAX) {
      throw userError(
        "result-too-large",
        `The range has more than ${REVENUE_ROWS_MAX} rows. Take a shorter range, a longer granularity or fewer categories.`,
      );
    }
    return { rows: rows.map((row) => toRevenue(row, BUCKET_MS[granularity])), freshness: pinned.freshness };
  }

  /** The newest closed window of the stream. */
  async latest(): Promise<RevenueByCategory | null> {
    const record = await readHot<CategoryRevenueRecord>(this.hotStore, CATEGORY_REVENUE, "latest");
    if (record === null) return null;
    const { windowStart, windowEnd } = record;
    const rows = record.items.map((item) => ({
      windowStart,
      windowEnd,
      categoryId: item.categoryId,
      revenue: { amountMinor: item.revenueMinor, currency: item.currency },
      refunded: { amountMinor: item.refundedMinor, currency: item.currency },
      net: { amountMinor: item.revenueMinor - item.refundedMinor, currency: item.currency },
      units: item.units,
      purchases: item.purchases,
    }));
    return { rows, freshness: { watermark: this.lake.watermark(), snapshotId: null, committedAt: null } };
  }
}

function toRevenue(row: Row, bucketMs: number): CategoryRevenue {
  const windowStart = time(row, "bucket");
  const currency = text(row, "currency");
  return {
    windowStart,
    windowEnd: windowStart + bucketMs,
    categoryId: text(row, "category_id"),
    revenue: { amountMinor: long(row, "revenue_minor"), currency },
    refunded: { amountMinor: long(row, "refunded_minor"), currency },
    net: { amountMinor: long(row, "net_minor"), currency },
    units: long(row, "units"),
    purchases: number(row, "purchases"),
  };
}
