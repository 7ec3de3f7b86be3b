import { defineTable, REVISION, WINDOW_END, WINDOW_START } from "../../../schema/index.ts";

export const goldRevenueByCategory = defineTable({
  namespace: "gold",
  name: "revenue_by_category",
  doc: [
    "Revenue per category and currency in tumbling windows (1 minute).",
    "Gross is what purchase events say, in the window of the purchase. Refunded is subtracted in the window in which it happened,",
    "from the categories and at the prices of the purchase events with that order id, once for each order and never more than its gross:",
    "all of it when the order's status becomes cancelled or refunded; all of it where a payment failed and none succeeded for a time",
    "(`revenueFailedAfterMs`), until one succeeds after all; else the amounts of its payments that became refunded,",
    "spread over categories in proportion. Orders and payments without purchase events change nothing.",
  ].join(" "),
  partitionByDayOf: "window_start",
  key: ["category_id", "currency", "window_start"],
  nothingWhenZero: "bookings",
  columns: [
    WINDOW_START,
    WINDOW_END,
    ["category_id", "string", "required", "The category, `unknown` where neither event nor product has one."],
    ["currency", "string", "required", "ISO 4217 code, `XXX` where the event has none."],
    ["revenue_minor", "long", "required", "Gross: sum of price × quantity of purchases, minor units."],
    ["units", "long", "required", "Units sold."],
    ["purchases", "int", "required", "Purchase events."],
    REVISION,
    ["refunded_minor", "long", "required", "Refunds, cancellations and failed payments, minor units."],
    ["net_minor", "long", "required", "Gross less refunded, minor units; below zero in a window of refunds."],
    ["bookings", "int", "required", "Purchases and subtractions in it; 0: late data took all of them away."],
  ],
});
