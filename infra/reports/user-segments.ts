import {
  goldDailyUserSegments,
  type RowRecord,
  USER_SEGMENTS,
  type UserSegment,
} from "../../schema/index.ts";
import type { DailyReport, Row } from "./daily-report.ts";

/** Users of one query: as many rows as the thread that asks takes without standing still for long. */
const USERS_A_PAGE = 20_000;

/** Who bought, who left a cart behind, and who only looked: every shopper of the day is in one segment. */
export const userSegments: DailyReport = {
  name: "user-segments",
  doc: "every shopper of the day as buyer, cart abandoner or window shopper",
  table: goldDailyUserSegments,
  dueAfterMs: 3_600_000,
  async *make(events) {
    const users: Record<UserSegment, number> = { buyer: 0, cart_abandoner: 0, window_shopper: 0 };
    let page = await events.query(pageSql(""));
    for (;;) {
      const rows = page.map(toRow);
      for (const { segment } of rows) users[segment]++;
      yield rows;
      if (page.length < USERS_A_PAGE) break;
      page = await events.query(pageSql("AND user_id > $3"), rows[rows.length - 1].user_id);
    }
    const counts = USER_SEGMENTS.map((segment) => `${users[segment]} ${NAMES[segment]}`);
    return { text: counts.join(", "), figures: { ...users } };
  },
};

const NAMES: Record<UserSegment, string> = {
  buyer: "buyers",
  cart_abandoner: "cart abandoners",
  window_shopper: "window shoppers",
};

function pageSql(behind: string): string {
  return `SELECT user_id,
      sum(CASE WHEN event_type IN ('page_view', 'item_view') THEN 1 ELSE 0 END) AS views,
      sum(CASE WHEN event_type = 'cart_add' THEN 1 ELSE 0 END) AS cart_adds,
      sum(CASE WHEN event_type = 'purchase' THEN 1 ELSE 0 END) AS purchases
    FROM {silver.events} WHERE event_time >= $1 AND event_time < $2 ${behind}
    GROUP BY user_id ORDER BY user_id LIMIT ${USERS_A_PAGE}`;
}

function toRow(row: Row): RowRecord & { readonly user_id: string; readonly segment: UserSegment } {
  const [views, cartAdds, purchases] = [row.views, row.cart_adds, row.purchases].map(Number);
  return {
    user_id: String(row.user_id),
    segment: purchases > 0 ? "buyer" : cartAdds > 0 ? "cart_abandoner" : "window_shopper",
    views,
    cart_adds: cartAdds,
    purchases,
  };
}
