import { goldPageViewsByUser } from "../../../schema/index.ts";
import { HotNamespace, type HotStore, type UserRecord } from "../../../stream/index.ts";
import { readHot } from "../common/hot-reader.ts";
import type { LakeReader } from "../common/lake-reader.ts";
import { number, time } from "../common/row.ts";
import { Conditions } from "../common/sql.ts";
import type { Page, TimeRangePageArgs } from "../common/types.ts";
import type { PageViewWindow, RecentPageViews } from "./type.ts";

export class UsersService {
  private readonly lake: LakeReader;
  private readonly hotStore: HotStore;

  constructor(lake: LakeReader, hotStore: HotStore) {
    this.lake = lake;
    this.hotStore = hotStore;
  }

  /** Windows with views of one user, newest first. */
  pageViews(userId: string, page: TimeRangePageArgs): Promise<Page<PageViewWindow>> {
    return this.lake.page({
      connection: "pageViews",
      table: goldPageViewsByUser,
      page,
      keyset: [{ column: "window_start", type: "time" }],
      order: "desc",
      conditions: new Conditions().compare("user_id", "=", userId).within("window_start", page.from, page.to),
      toNode: (row) => ({
        windowStart: time(row, "window_start"),
        windowEnd: time(row, "window_end"),
        views: number(row, "views"),
        revision: number(row, "revision"),
      }),
    });
  }

  async recentPageViews(userId: string): Promise<RecentPageViews | null> {
    const record = await readHot<UserRecord>(this.hotStore, HotNamespace.users, userId);
    if (record?.activity === undefined) return null;
    const { recent, ...activity } = record.activity;
    const views = recent.map(([eventTime, eventType, productId]) => ({ eventTime, eventType, productId }));
    return { ...activity, recent: views };
  }
}
