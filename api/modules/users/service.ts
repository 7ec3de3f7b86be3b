import { goldPageViewsByUser } from "../../../schema/index.ts";
import { HotNamespace, type HotStore, type UserActivityRecord } from "../../../stream/index.ts";
import { readHot } from "../common/hot-reader.ts";
import type { LakeReader } from "../common/lake-reader.ts";
import { number, time } from "../common/row.ts";
import { Conditions } from "../common/sql.ts";
import type { Page, TimeRangePageArgs } from "../common/types.ts";
import type { PageViewWindow } from "./type.ts";

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

  recentPageViews(userId: string): Promise<UserActivityRecord | null> {
    return readHot(this.hotStore, HotNamespace.userActivity, userId);
  }
}
