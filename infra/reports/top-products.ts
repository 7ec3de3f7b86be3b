import { goldDailyTopProducts } from "../../schema/index.ts";
import type { DailyReport } from "./daily-report.ts";

/** The five products that sold most units. */
export const topProducts: DailyReport = {
  name: "top-products",
  doc: "the five products of the day that sold most units",
  table: goldDailyTopProducts,
  dueAfterMs: 2 * 3_600_000,
  async *make(events) {
    const rows = await events.query(
      `SELECT product_id, max(category_id) AS category_id,
        sum(CASE WHEN event_type = 'purchase' THEN coalesce(quantity, 1) ELSE 0 END) AS units,
        sum(CASE WHEN event_type = 'purchase' THEN 1 ELSE 0 END) AS purchases,
        sum(CASE WHEN event_type = 'cart_add' THEN 1 ELSE 0 END) AS cart_adds,
        sum(CASE WHEN event_type IN ('page_view', 'item_view') THEN 1 ELSE 0 END) AS views
      FROM {silver.events} WHERE event_time >= $1 AND event_time < $2 AND product_id IS NOT NULL
      GROUP BY product_id
      ORDER BY units DESC, purchases DESC, cart_adds DESC, views DESC, product_id LIMIT 5`,
    );
    const products = rows.map((row, place) => ({
      rank: place + 1,
      product_id: String(row.product_id),
      category_id: row.category_id === null ? null : String(row.category_id),
      units: Number(row.units),
      purchases: Number(row.purchases),
      cart_adds: Number(row.cart_adds),
      views: Number(row.views),
    }));
    yield products;
    const named = products.map(({ product_id, units }) => `${product_id} (${units})`);
    return {
      text: named.length === 0 ? "no product was looked at" : `units sold: ${named.join(", ")}`,
      figures: Object.fromEntries(products.map(({ rank, product_id }) => [`product${rank}`, product_id])),
    };
  },
};
