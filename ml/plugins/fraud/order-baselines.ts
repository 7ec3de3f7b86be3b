import type { OrderBaseline } from "../../order-scorer.ts";
import type { Dataset } from "../../plugin.ts";
import { scoreByFeature, scoreByLogistic } from "./baselines.ts";
import { tableOf } from "./order-model.ts";

/** What a model of orders has to beat: one feature each as a rule would have it, and logistic regression on all. */
export function scoreOrderBaselines(train: Dataset, validation: Dataset, seed: number): OrderBaseline[] {
  const tables = { train: tableOf(train), validation: tableOf(validation) };
  const byFeature = (name: string, feature: string): OrderBaseline => ({
    name,
    isProbability: false,
    scores: scoreByFeature(tables.validation, feature),
  });
  return [
    byFeature("amount alone", "order_amount"),
    byFeature("orders within the hour", "user_orders_1h"),
    {
      name: "logistic regression",
      isProbability: true,
      scores: scoreByLogistic(tables.train, tables.validation, seed),
    },
  ];
}
