import type { LogisticWeights } from "./weights.ts";

export const DEFAULT_MODEL_VERSION = "propensity-default-0";

/**
 * Set by hand, not trained: a prior that ranks visits plausibly until `millrace train propensity` has
 * seen the shop's own events. Inputs are taken as they are (mean 0, scale 1).
 */
const PRIOR: Readonly<Record<string, number>> = {
  page_views: -0.1,
  item_views: 0.15,
  cart_adds: 1.1,
  cart_removes: -0.6,
  checkouts: 1.6,
  purchases: -0.8,
  repeat_views: 0.3,
  views_since_cart: -0.25,
  cart_recency_min: 0.8,
  past_purchases: 0.5,
  seconds_since_last: -0.1,
};

export function defaultWeights(features: readonly string[]): LogisticWeights {
  return {
    format: "millrace-logistic/1",
    features,
    bias: -3.2,
    weights: features.map((name) => PRIOR[name] ?? 0),
    mean: features.map(() => 0),
    scale: features.map(() => 1),
  };
}
