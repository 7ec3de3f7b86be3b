import { between, oneOf } from "./checks.ts";
import { defineTable } from "./table-spec.ts";

export const goldFraudScores = defineTable({
  namespace: "gold",
  name: "fraud_scores",
  doc: "Probability that an order is fraud, from what was known when it was placed: a row for each order.",
  partitionByDayOf: "order_time",
  key: ["_partition", "_offset"],
  columns: [
    ["order_id", "string", "required", "The order."],
    ["user_id", "string", "required", "The buyer."],
    ["order_time", "timestamptz", "required", "Event time of the order."],
    ["score", "double", "required", "Probability of fraud, 0 to 1."],
    ["decision", "string", "required", "pass, review or block, by the model's thresholds."],
    [
      "reasons",
      "string",
      "required",
      "What speaks most for fraud, in words: a JSON array, empty for an order that passes.",
    ],
    ["model_version", "string", "required", "The model that scored."],
    ["classifier", "string", "required", "Its kind: trees or network."],
    ["features", "string", "required", "The feature vector, a JSON array in the model card's order."],
    [
      "contributions",
      "string",
      "required",
      "Signed contributions to the log-odds that are not 0, and `bias`; they add up to the score's log-odds: a JSON object, empty for an order that passes.",
    ],
    ["_partition", "int", "required", "Log partition of the order and of what was known of it."],
    ["_offset", "long", "required", "Log offset of the order."],
    ["_events_offset", "long", "required", "Customer events below this offset were known."],
    ["_payments_offset", "long", "required", "Payments below this offset were known."],
    ["_labels_offset", "long", "required", "Fraud labels below this offset were known."],
  ],
  checks: [
    oneOf("decision", ["pass", "review", "block"]),
    between("score", 0, 1),
    {
      name: "order-known",
      kind: "reference",
      severity: "error",
      column: "order_id",
      table: "bronze.orders",
      tableColumn: "order_id",
      daysBefore: 1,
    },
  ],
});
