import { defineTable, REVISION, WINDOW_END, WINDOW_START } from "../../../schema/index.ts";

export const goldRevenueByCategory = defineTable({
  namespace: "gold",
  name: "revenue_by_category",
  doc: "Revenue of purchase events per category and currency in tumbling windows (1 minute).",
  partitionByDayOf: "window_start",
  key: ["category_id", "currency", "window_start"],
  columns: [
    WINDOW_START,
    WINDOW_END,
    ["category_id", "string", "required", "The category, `unknown` where neither event nor product has one."],
    ["currency", "string", "required", "ISO 4217 code, `XXX` where the event has none."],
    ["revenue_minor", "long", "required", "Sum of price × quantity, minor units."],
    ["units", "long", "required", "Units sold."],
    ["purchases", "int", "required", "Purchase events."],
    REVISION,
  ],
});
