import { customerEventContract } from "../../../schema/index.ts";

/** Begin the names of metrics of which there are as many as the shop has categories and currencies. */
export const METRIC_PREFIX = {
  events: "events:",
  categoryEvents: "category-events:",
  revenue: "revenue:",
} as const;
export const ORDERS_METRIC = "orders";
export const FAILED_PAYMENTS_METRIC = "failed-payments";

const eventTypes = customerEventContract.fields.find(({ name }) => name === "eventType")?.symbols ?? [];

/** The metrics that every shop has, whether anything came for them yet or not. */
export const fixedMetrics: readonly string[] = [
  ORDERS_METRIC,
  FAILED_PAYMENTS_METRIC,
  ...eventTypes.map((type) => `${METRIC_PREFIX.events}${type}`),
];
