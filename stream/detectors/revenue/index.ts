import { msSetting } from "../../../schema/index.ts";
import { defineDetector } from "../detector.ts";
import { combineRevenue, createRevenue, REVENUE } from "./revenue-by-category.ts";
import { goldRevenueByCategory } from "./revenue-table.ts";

export { CATEGORY_REVENUE, type CategoryRevenue, type CategoryRevenueRecord } from "./revenue-by-category.ts";
export { goldRevenueByCategory };

export const revenue = defineDetector({
  name: REVENUE,
  doc: "Revenue by category and currency in tumbling windows.",
  settings: {
    revenueWindowMs: msSetting(
      "Detectors",
      60_000,
      [60_000, 86_400_000],
      "Window of revenue by category, a multiple of a minute.",
    ),
  },
  tables: [goldRevenueByCategory],
  alerts: {},
  create: (_config, deps) => createRevenue(deps),
  combine: combineRevenue,
});
