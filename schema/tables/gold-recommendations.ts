import { between } from "./checks.ts";
import { defineTable } from "./table-spec.ts";

export const goldRecommendations = defineTable({
  namespace: "gold",
  name: "recommendations",
  doc: "Lists of products for users, as they were when a visit ended: of a sample of the visits, a row for each place.",
  partitionByDayOf: "visit_end",
  key: ["user_id", "visit_end", "rank"],
  columns: [
    ["user_id", "string", "required", "The shopper."],
    ["visit_end", "timestamptz", "required", "Newest look of the visit that the list follows."],
    ["rank", "int", "required", "1 is shown first."],
    ["product_id", "string", "required", "The product."],
    ["score", "double", "required", "Sum of its reasons. A model may order its list by more than this."],
    [
      "reasons",
      "string",
      "required",
      "Parts of the score, a JSON object: after, before, similarVisits, return, popular.",
    ],
    [
      "model_version",
      "string",
      "required",
      "The model, or `learned-in-the-stream` where none knows the visit.",
    ],
  ],
  checks: [between("rank", 1)],
});
