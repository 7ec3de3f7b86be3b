import { defineTable, holds, oneOf, REVISION, WINDOW_END, WINDOW_START } from "../../../schema/index.ts";

export const goldFunnel = defineTable({
  namespace: "gold",
  name: "funnel",
  doc: "Funnel view → cart → checkout → purchase of the journeys that began on a day, in event-time order.",
  partitionByDayOf: "window_start",
  key: ["basis", "category_id", "device", "country", "window_start"],
  nothingWhenZero: "views",
  columns: [
    WINDOW_START,
    WINDOW_END,
    [
      "basis",
      "string",
      "required",
      "session: journeys are those of `silver.sessions`; user: a journey is an hour (or as configured) from a view.",
    ],
    [
      "category_id",
      "string",
      "required",
      "Category of the journey's first view that has one, `unknown` where none has.",
    ],
    ["device", "string", "required", "Device of the first view, `unknown` where it has none."],
    ["country", "string", "required", "Country of the first view, `unknown` where it has none."],
    ["views", "int", "required", "Journeys: each begins with a view."],
    ["carts", "int", "required", "Journeys that then put something into the cart."],
    ["checkouts", "int", "required", "Journeys that then went to the checkout."],
    ["purchases", "int", "required", "Journeys that then bought."],
    [
      "cart_median_ms",
      "long",
      "optional",
      "Median time from view to cart: the bound of its bucket, at most 19 % above it.",
    ],
    ["checkout_median_ms", "long", "optional", "Median time from cart to checkout, so too."],
    ["purchase_median_ms", "long", "optional", "Median time from checkout to purchase, so too."],
    [
      "cart_times",
      "string",
      "required",
      "Journeys by time from view to cart: `BOUND_MS:JOURNEYS,…`, to be added up over rows.",
    ],
    ["checkout_times", "string", "required", "The same from cart to checkout."],
    ["purchase_times", "string", "required", "The same from checkout to purchase."],
    REVISION,
  ],
  checks: [
    oneOf("basis", ["session", "user"]),
    holds(
      "steps-narrow",
      "views >= carts AND carts >= checkouts AND checkouts >= purchases AND purchases >= 0",
    ),
  ],
});
