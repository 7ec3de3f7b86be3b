import { between, holds, oneOf } from "./checks.ts";
import { REVISION } from "./gold.ts";
import { defineTable } from "./table-spec.ts";

/** The segments that a report puts the shoppers of a day into. */
export const USER_SEGMENTS = ["buyer", "cart_abandoner", "window_shopper"] as const;
export type UserSegment = (typeof USER_SEGMENTS)[number];

/** What a report says of a category that stands out. */
export const CONVERSION_MARKS = ["best", "worst"] as const;
export type ConversionMark = (typeof CONVERSION_MARKS)[number];

/** What a run of a report came to. */
export const REPORT_STATUSES = ["done", "failed"] as const;
export type ReportStatus = (typeof REPORT_STATUSES)[number];

const DAY = ["day", "timestamptz", "required", "Start of the UTC day that is reported."] as const;
const MADE_AGAIN =
  "A day that is reported again, by `millrace reports run`, has the next revision in all of its rows.";

export const goldDailyUserSegments = defineTable({
  namespace: "gold",
  name: "daily_user_segments",
  doc: `Every shopper of a day in one segment, by what they did on it. ${MADE_AGAIN}`,
  partitionByDayOf: "day",
  key: ["day", "user_id"],
  correctedBy: ["day"],
  columns: [
    DAY,
    ["user_id", "string", "required", "The shopper."],
    [
      "segment",
      "string",
      "required",
      "buyer (a purchase), cart_abandoner (something put into the cart, no purchase) or window_shopper (neither).",
    ],
    ["views", "int", "required", "Page and item views of the day."],
    ["cart_adds", "int", "required", "Products put into the cart."],
    ["purchases", "int", "required", "Purchase events."],
    REVISION,
  ],
  checks: [
    oneOf("segment", USER_SEGMENTS),
    between("views", 0),
    between("cart_adds", 0),
    between("purchases", 0),
    holds(
      "segment-by-counts",
      "segment = CASE WHEN purchases > 0 THEN 'buyer' WHEN cart_adds > 0 THEN 'cart_abandoner' ELSE 'window_shopper' END",
    ),
  ],
});

export const goldDailyTopProducts = defineTable({
  namespace: "gold",
  name: "daily_top_products",
  doc: `The five products of a day that sold most units; equal ones by purchases, carts, views and product id. ${MADE_AGAIN}`,
  partitionByDayOf: "day",
  key: ["day", "rank"],
  correctedBy: ["day"],
  columns: [
    DAY,
    ["rank", "int", "required", "1 sold most."],
    ["product_id", "string", "required", "The product."],
    ["category_id", "string", "optional", "Its category; the last by name where events of the day disagree."],
    ["units", "long", "required", "Units bought; a purchase event without a quantity is one."],
    ["purchases", "int", "required", "Purchase events."],
    ["cart_adds", "int", "required", "Times that it was put into the cart."],
    ["views", "int", "required", "Page and item views."],
    REVISION,
  ],
  checks: [
    between("rank", 1, 5),
    between("units", 0),
    between("purchases", 0),
    between("cart_adds", 0),
    between("views", 0),
  ],
});

export const goldDailyCategoryConversion = defineTable({
  namespace: "gold",
  name: "daily_category_conversion",
  doc: `How many of a category's shoppers of a day bought something of it. ${MADE_AGAIN}`,
  partitionByDayOf: "day",
  key: ["day", "category_id"],
  correctedBy: ["day"],
  columns: [
    DAY,
    ["category_id", "string", "required", "The category."],
    ["shoppers", "int", "required", "Users who viewed, put into the cart or bought something of it."],
    ["buyers", "int", "required", "Users who bought something of it."],
    ["conversion", "double", "required", "buyers / shoppers."],
    [
      "mark",
      "string",
      "optional",
      "best or worst of the day's categories with 30 shoppers or more, where these differ; null for all others.",
    ],
    REVISION,
  ],
  checks: [
    between("shoppers", 1),
    between("conversion", 0, 1),
    holds("conversion-adds-up", "buyers >= 0 AND buyers <= shoppers"),
    holds("mark-known", "mark IS NULL OR mark IN ('best', 'worst')"),
  ],
});

export const goldReportRuns = defineTable({
  namespace: "gold",
  name: "report_runs",
  doc: "Runs of the daily reports (`millrace reports`, and by schedule). Of a report and day the newest holds.",
  partitionByDayOf: "started_at",
  key: ["report", "day", "started_at"],
  columns: [
    ["started_at", "timestamptz", "required", "When the run began."],
    ["report", "string", "required", "user-segments, top-products or category-conversion."],
    ["day", "timestamptz", "required", "Start of the UTC day that is reported."],
    ["status", "string", "required", "done or failed."],
    ["attempt", "int", "required", "1, or one more than the run before where that failed."],
    ["finished_at", "timestamptz", "required", "When it ended."],
    ["rows_made", "long", "optional", "Rows of the report; null where it failed."],
    ["message", "string", "optional", "Why it failed, for a person; null where it is done."],
    [
      "failing_since",
      "timestamptz",
      "optional",
      "The first of the runs in a row that failed, up to this one; null where it is done.",
    ],
  ],
  checks: [
    oneOf("status", REPORT_STATUSES),
    between("attempt", 1),
    between("rows_made", 0),
    holds("not-before-its-day-is-over", "date_diff('hour', day, started_at) >= 24"),
  ],
});
