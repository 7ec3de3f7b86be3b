import { msSetting } from "../../../schema/index.ts";
import { defineDetector } from "../detector.ts";
import { createJoinOrders, ORDERS, PAYMENT_MISSING } from "./join-orders.ts";
import { silverOrders } from "./orders-table.ts";
import { combineVelocity } from "./rules/combine-velocity.ts";
import { goldOrderAlerts } from "./rules/order-alerts-table.ts";
import { DEFAULT_RULES } from "./rules/rule.ts";

export { appendRuleChanges, type ChangedRule, type RuleAuthorship } from "./rules/change-rules.ts";
export { requireKnownRule } from "./rules/known-rules.ts";
export { DEFAULT_RULES, type Rule, readRules } from "./rules/rule.ts";
export * from "./rules/rule-history.ts";
export { goldOrderAlerts, silverOrders };

const DAY_MS = 86_400_000;

export const orders = defineDetector({
  name: ORDERS,
  doc: "Orders joined with payments and with profiles as they were; payments that never came; rules that judge orders.",
  settings: {
    ordersPaymentWithinMs: msSetting(
      "Detectors",
      900_000,
      [60_000, 7 * DAY_MS],
      "Time after an order within which a payment must be authorized or captured; later it is missing.",
    ),
    ordersKeepMs: msSetting(
      "Detectors",
      14 * DAY_MS,
      [3_600_000, 365 * DAY_MS],
      "How long an order is kept, of event time: what comes of it later is in bronze alone. About 400 bytes an order.",
    ),
  },
  keptMs: ({ ordersKeepMs }) => ordersKeepMs,
  correctedMs: ({ ordersKeepMs }) => ordersKeepMs,
  tables: [silverOrders, goldOrderAlerts],
  readsWhole: ["rule-changes"],
  alerts: {
    [PAYMENT_MISSING]: "An order for which no payment was authorized or captured in time.",
    ...Object.fromEntries(
      DEFAULT_RULES.map(({ id, kind }) => [id, `An order that a ${kind} rule found suspicious.`]),
    ),
  },
  create: createJoinOrders,
  combine: (_config, deps) => combineVelocity(deps),
});
