import { msSetting } from "../../../schema/index.ts";
import { defineDetector } from "../detector.ts";
import { combineRevenue } from "./combine-revenue.ts";
import { createRevenue, REVENUE } from "./revenue-by-category.ts";
import { goldRevenueByCategory } from "./revenue-table.ts";

export { CATEGORY_REVENUE, type CategoryRevenue, type CategoryRevenueRecord } from "./combine-revenue.ts";
export { goldRevenueByCategory };

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

export const revenue = defineDetector({
  name: REVENUE,
  doc: "Revenue by category and currency in tumbling windows, gross and less what was refunded.",
  settings: {
    revenueWindowMs: msSetting(
      "Detectors",
      60_000,
      [60_000, DAY_MS],
      "Window of revenue by category, a multiple of a minute.",
    ),
    revenueFailedAfterMs: msSetting(
      "Detectors",
      900_000,
      [0, 7 * DAY_MS],
      "An order is subtracted so long after a payment of it failed, unless one succeeded.",
    ),
    revenueKeepMs: msSetting(
      "Detectors",
      45 * DAY_MS,
      [3_600_000, 3_650 * DAY_MS],
      "How long what an order bought is kept, of event time: a later refund is not subtracted. About 100 bytes an order.",
    ),
  },
  problems: ({ revenueWindowMs }) =>
    revenueWindowMs % MINUTE_MS === 0
      ? []
      : [`revenueWindowMs (${revenueWindowMs}) must be a multiple of ${MINUTE_MS}`],
  longestWindowMs: ({ revenueWindowMs }) => revenueWindowMs,
  keptMs: ({ revenueKeepMs }) => revenueKeepMs,
  tables: [goldRevenueByCategory],
  alerts: {},
  create: createRevenue,
  combine: combineRevenue,
});
