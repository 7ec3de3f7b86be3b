import { between, oneOf } from "./checks.ts";
import { defineTable } from "./table-spec.ts";

// Columns that windowed tables have in common.
export const WINDOW_START = [
  "window_start",
  "timestamptz",
  "required",
  "Start of the window, inclusive.",
] as const;
export const WINDOW_END = ["window_end", "timestamptz", "required", "End of the window, exclusive."] as const;
export const REVISION = [
  "revision",
  "int",
  "required",
  "1 when first reported; a correction has the next number.",
] as const;

/** What counts as activity of a product. */
const ACTIVITY =
  "product_id IS NOT NULL AND event_type IN ('page_view', 'item_view', 'cart_add', 'purchase')";
/** What a window may need beyond its end: the tasks wait for one another, and checkpoints come every so often. */
const SETTLE_MS = 900_000;

export const goldPageViewsByUser = defineTable({
  namespace: "gold",
  name: "page_views_by_user",
  doc: "Page and item views of a user in hopping windows (1 minute, every 30 seconds). No row: no view.",
  partitionByDayOf: "window_start",
  key: ["user_id", "window_start"],
  columns: [
    WINDOW_START,
    WINDOW_END,
    ["user_id", "string", "required", "The shopper."],
    ["views", "int", "required", "Page and item views in the window."],
    REVISION,
  ],
  checks: [
    between("views", 0),
    {
      name: "fresh",
      kind: "freshness",
      severity: "warn",
      column: "window_end",
      table: "silver.events",
      where: "event_type IN ('page_view', 'item_view')",
      settleMs: SETTLE_MS,
    },
  ],
});

export const goldProductActivity = defineTable({
  namespace: "gold",
  name: "product_activity",
  doc: "Views, carts, purchases and revenue of a product per tumbling minute. No row: no activity.",
  partitionByDayOf: "window_start",
  key: ["product_id", "window_start"],
  columns: [
    WINDOW_START,
    WINDOW_END,
    ["product_id", "string", "required", "The product."],
    ["views", "int", "required", "Page and item views of the product."],
    ["cart_adds", "int", "required", "Cart additions."],
    ["purchases", "int", "required", "Purchase events."],
    REVISION,
  ],
  checks: [
    between("views", 0),
    between("cart_adds", 0),
    between("purchases", 0),
    {
      name: "equals-silver",
      kind: "reconciliation",
      severity: "error",
      compares: "sums",
      table: "silver.events",
      where: ACTIVITY,
      windowMs: 60_000,
      groups: { product_id: "product_id" },
      totals: {
        views: "CASE WHEN event_type IN ('page_view', 'item_view') THEN 1 ELSE 0 END",
        cart_adds: "CASE WHEN event_type = 'cart_add' THEN 1 ELSE 0 END",
        purchases: "CASE WHEN event_type = 'purchase' THEN 1 ELSE 0 END",
      },
    },
    {
      name: "fresh",
      kind: "freshness",
      severity: "warn",
      column: "window_end",
      table: "silver.events",
      where: ACTIVITY,
      settleMs: SETTLE_MS,
    },
  ],
});

export const goldPopularProducts = defineTable({
  namespace: "gold",
  name: "popular_products",
  doc: "The most popular products at the end of each window: weighted activity that halves with age.",
  partitionByDayOf: "window_start",
  key: ["window_start", "rank"],
  correctedBy: ["window_start"],
  columns: [
    WINDOW_START,
    WINDOW_END,
    ["rank", "int", "required", "1 is the most popular; equal scores rank by product id."],
    ["product_id", "string", "required", "The product."],
    [
      "score",
      "double",
      "required",
      "Sum over the window's minutes of weighted activity × 0.5^(age / half-life).",
    ],
    ["views", "int", "required", "Views in the window."],
    ["cart_adds", "int", "required", "Cart additions in the window."],
    ["purchases", "int", "required", "Purchases in the window."],
    REVISION,
  ],
  checks: [
    between("rank", 1),
    between("score", 0),
    between("views", 0),
    between("cart_adds", 0),
    between("purchases", 0),
    {
      name: "fresh",
      kind: "freshness",
      severity: "warn",
      column: "window_end",
      table: "silver.events",
      where: ACTIVITY,
      settleMs: SETTLE_MS,
    },
  ],
});

export const goldPopularByCategory = defineTable({
  namespace: "gold",
  name: "popular_by_category",
  doc: "The most popular products of each category, as in popular_products, for windows that end at every tenth minute (`popularByCategoryEveryMs`). A product is of the category that its newest event before the window's end has, as far as its last 16 changes of category tell; where its events of several partitions name several, of the category that a partition changed to last.",
  partitionByDayOf: "window_start",
  key: ["window_start", "category_id", "rank"],
  correctedBy: ["window_start"],
  columns: [
    WINDOW_START,
    WINDOW_END,
    ["category_id", "string", "required", "The category."],
    ["rank", "int", "required", "1 is the category's most popular; equal scores rank by product id."],
    ["product_id", "string", "required", "The product."],
    ["score", "double", "required", "As in popular_products, rounded to thousandths."],
    ["views", "int", "required", "Views in the window."],
    ["cart_adds", "int", "required", "Cart additions in the window."],
    ["purchases", "int", "required", "Purchases in the window."],
    REVISION,
  ],
  checks: [
    between("rank", 1),
    between("score", 0),
    between("views", 0),
    between("cart_adds", 0),
    between("purchases", 0),
  ],
});

export const goldFlashSaleAlerts = defineTable({
  namespace: "gold",
  name: "flash_sale_alerts",
  doc: "Flash-sale candidates: many views and few purchases in a hopping window (10 minutes, every minute).",
  partitionByDayOf: "window_start",
  key: ["alert_id"],
  columns: [
    ["alert_id", "string", "required", "Derived from rule, product and window: the same in every replay."],
    WINDOW_START,
    WINDOW_END,
    ["product_id", "string", "required", "The product."],
    ["views", "int", "required", "Views in the window."],
    ["purchases", "int", "required", "Purchases in the window."],
    ["status", "string", "required", "raised, or retracted where late data took the ground away."],
    REVISION,
  ],
  checks: [between("views", 0), between("purchases", 0)],
});

/** What a row of crossings says: the column `kind` of the scores of sessions. */
export const CROSSING_KINDS = ["crossed", "fell"] as const;
export type CrossingKind = (typeof CROSSING_KINDS)[number];

export const goldPropensityScores = defineTable({
  namespace: "gold",
  name: "propensity_scores",
  doc: "Probability of a purchase in the session: a row whenever it crosses the high-propensity threshold.",
  partitionByDayOf: "event_time",
  key: ["_partition", "_offset"],
  columns: [
    ["user_id", "string", "required", "The shopper."],
    ["session_start", "timestamptz", "required", "First event of the session so far."],
    ["event_time", "timestamptz", "required", "Event at which it was scored."],
    [
      "kind",
      "string",
      "required",
      "crossed (rose to the threshold) or fell (below the lower threshold that arms it again).",
    ],
    ["score", "double", "required", "Probability, 0 to 1."],
    ["model_version", "string", "required", "The model that scored."],
    ["features", "string", "required", "The feature vector, a JSON array in the model card's order."],
    ["contributions", "string", "required", "Signed contributions to the log-odds, a JSON object."],
    ["_partition", "int", "required", "Log partition of the event."],
    ["_offset", "long", "required", "Log offset of the event."],
  ],
  checks: [oneOf("kind", CROSSING_KINDS), between("score", 0, 1)],
});
