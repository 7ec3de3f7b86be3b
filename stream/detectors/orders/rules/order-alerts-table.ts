import { defineTable, oneOf, REVISION } from "../../../../schema/index.ts";

export const goldOrderAlerts = defineTable({
  namespace: "gold",
  name: "order_alerts",
  doc: "Orders that a rule found suspicious. A rule that looks at several orders, at payments or at profiles speaks whenever what it needs has come, and takes back what later records take away.",
  partitionByDayOf: "order_time",
  key: ["alert_id"],
  columns: [
    ["alert_id", "string", "required", "Derived from rule and order: the same in every replay."],
    ["rule", "string", "required", "The rule, with the version that judged: `order-velocity@1`."],
    ["order_id", "string", "required", "The order."],
    ["user_id", "string", "required", "The shopper."],
    ["order_time", "timestamptz", "required", "Event time of the order; of the payment, for rules on cards."],
    ["reason", "string", "required", "What the rule saw, for a person."],
    ["severity", "string", "required", "low, medium or high."],
    ["status", "string", "required", "raised, or retracted where later records took the ground away."],
    REVISION,
  ],
  checks: [oneOf("severity", ["low", "medium", "high"])],
});
