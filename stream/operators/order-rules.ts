import { goldOrderAlerts, type OrderBatch, RowFlag, StateSection } from "../../schema/index.ts";
import type { Alert } from "../ports/alert-bus.ts";
import type { Operator } from "../runtime/operator.ts";
import type { OperatorDeps } from "./operator-keys.ts";

export interface OrderRulesConfig {
  /** Orders of one user within `velocityWindowMs` from which on the rule speaks. */
  readonly velocityOrders: number;
  readonly velocityWindowMs: number;
  /** Total from which on any order is suspicious, minor units. */
  readonly amountMinorMax: number;
  /** Total above this many times the user's own mean is suspicious … */
  readonly amountTimesMean: number;
  /** … once the user has so many earlier orders. */
  readonly amountHistoryMin: number;
}

export const defaultOrderRulesConfig: OrderRulesConfig = {
  velocityOrders: 4,
  velocityWindowMs: 600_000,
  amountMinorMax: 500_000,
  amountTimesMean: 5,
  amountHistoryMin: 3,
};

/** Order times kept per user: as many as the velocity rule can ask for. */
const RECENT_ORDERS = 16;

interface RuleHit {
  readonly rule: string;
  readonly severity: Alert["severity"];
  readonly reason: string;
  readonly figures: Alert["figures"];
}

/**
 * Rules on placed orders, each with a version that changes with its meaning: `order-velocity@1`,
 * `order-amount@1`, `country-mismatch@1`. One row and one alert per rule and order.
 *
 * State is kept per buyer, a user who has ordered: a few in a hundred of a shop's users. A buyer's
 * mean is that of orders in the currency of the first one; sums of two currencies say nothing, so
 * orders in another one are judged by the absolute maximum only and leave the mean alone.
 */
export function createOrderRules(config: OrderRulesConfig, deps: OperatorDeps): Operator<OrderBatch> {
  if (config.velocityOrders > RECENT_ORDERS) {
    throw new RangeError(
      `order-velocity looks back over ${RECENT_ORDERS} orders at most, not ${config.velocityOrders}`,
    );
  }
  const { keys, outputs } = deps;
  const state = new StateSection("order-rules");
  /** User to buyer, -1 where the user has not ordered; and the number of buyers. */
  const buyers = state.int32("buyers", -1);
  const buyerCount = state.int32("buyerCount");
  buyerCount.ensure(1);
  // By buyer from here on.
  const times = state.float64("recentTimes", Number.NEGATIVE_INFINITY);
  const currencies = state.int32("currency");
  const orders = state.float64("orders");
  const totals = state.float64("totalMinor");
  const rows = outputs.openRows(goldOrderAlerts, { user_id: keys.userId });
  const out = {
    alertId: rows.text("alert_id"),
    rule: rows.text("rule"),
    orderId: rows.text("order_id"),
    userId: rows.key("user_id"),
    orderTime: rows.float64("order_time"),
    reason: rows.text("reason"),
    severity: rows.text("severity"),
  };
  const utf8 = new TextDecoder();

  /** The user's buyer, a new one where this is the first order. */
  function buyerOf(user: number, currency: number): number {
    const known = buyers.values[user];
    if (known >= 0) return known;
    const buyer = buyerCount.values[0];
    buyerCount.values[0] = buyer + 1;
    buyerCount.mark(0);
    buyers.values[user] = buyer;
    buyers.mark(user);
    times.ensure((buyer + 1) * RECENT_ORDERS);
    currencies.ensure(buyer + 1);
    orders.ensure(buyer + 1);
    totals.ensure(buyer + 1);
    currencies.values[buyer] = currency;
    currencies.mark(buyer);
    return buyer;
  }

  function velocity(buyer: number, at: number): RuleHit | null {
    let count = 1;
    for (let i = 0; i < RECENT_ORDERS; i++) {
      const time = times.values[buyer * RECENT_ORDERS + i];
      if (time > at - config.velocityWindowMs && time <= at) count++;
    }
    if (count < config.velocityOrders) return null;
    const minutes = config.velocityWindowMs / 60_000;
    const reason = `${count} orders within ${minutes} minutes`;
    return {
      rule: "order-velocity@1",
      severity: "high",
      reason,
      figures: { orders: count, windowMinutes: minutes },
    };
  }

  function amount(batch: OrderBatch, row: number, buyer: number, ownCurrency: boolean): RuleHit | null {
    const totalMinor = batch.totalMinor.values[row];
    const count = ownCurrency ? orders.values[buyer] : 0;
    const mean = count === 0 ? 0 : totals.values[buyer] / count;
    const aboveOwn = count >= config.amountHistoryMin && totalMinor > config.amountTimesMean * mean;
    if (totalMinor < config.amountMinorMax && !aboveOwn) return null;
    const { bytes, start, end } = batch.currency;
    const currency = utf8.decode(bytes.subarray(start[row], end[row]));
    const reason = aboveOwn
      ? `total ${totalMinor} ${currency} minor units is over ${config.amountTimesMean} times the user's mean of ${Math.round(mean)}`
      : `total ${totalMinor} ${currency} minor units is at or over ${config.amountMinorMax}`;
    return {
      rule: "order-amount@1",
      severity: "medium",
      reason,
      figures: { totalMinor, meanMinor: Math.round(mean) },
    };
  }

  function countries(batch: OrderBatch, row: number): RuleHit | null {
    const { billingCountry: billing, shippingCountry: shipping } = batch;
    if (billing.start[row] < 0 || shipping.start[row] < 0) return null;
    const from = utf8.decode(billing.bytes.subarray(billing.start[row], billing.end[row]));
    const to = utf8.decode(shipping.bytes.subarray(shipping.start[row], shipping.end[row]));
    if (from === to) return null;
    const reason = `billed in ${from}, shipped to ${to}`;
    return { rule: "country-mismatch@1", severity: "low", reason, figures: { billing: from, shipping: to } };
  }

  function report(batch: OrderBatch, row: number, hit: RuleHit): void {
    const orderId = utf8.decode(
      batch.orderId.bytes.subarray(batch.orderId.start[row], batch.orderId.end[row]),
    );
    const id = `${hit.rule}:${orderId}`;
    const userId = keys.userId.text(batch.userId.ids[row]);
    const r = rows.next();
    rows.setText(out.alertId, r, id);
    rows.setText(out.rule, r, hit.rule);
    rows.setText(out.orderId, r, orderId);
    out.userId.ids[r] = batch.userId.ids[row];
    out.orderTime.values[r] = batch.orderTime.values[row];
    rows.setText(out.reason, r, hit.reason);
    rows.setText(out.severity, r, hit.severity);
    outputs.emitAlert({
      id,
      revision: 1,
      status: "raised",
      kind: hit.rule.slice(0, hit.rule.indexOf("@")),
      severity: hit.severity,
      title: `Order ${orderId} of ${userId}: ${hit.reason}`,
      userId,
      productId: null,
      orderId,
      eventTime: batch.orderTime.values[row],
      windowStart: null,
      windowEnd: null,
      figures: hit.figures,
    });
  }

  function rememberTime(buyer: number, at: number): void {
    // The place of the oldest time; a buyer has few, and the rule needs no order.
    let oldest = buyer * RECENT_ORDERS;
    const end = oldest + RECENT_ORDERS;
    for (let i = oldest + 1; i < end; i++) if (times.values[i] < times.values[oldest]) oldest = i;
    if (at > times.values[oldest]) {
      times.values[oldest] = at;
      times.mark(oldest);
    }
  }

  function rememberTotal(buyer: number, totalMinor: number): void {
    orders.values[buyer] += 1;
    totals.values[buyer] += totalMinor;
    orders.mark(buyer);
    totals.mark(buyer);
  }

  function process(batch: OrderBatch, from: number, to: number): void {
    buyers.ensure(keys.userId.size);
    const placed = batch.status.symbols.indexOf("placed");
    for (let row = from; row < to; row++) {
      if (batch.status.codes[row] !== placed || (batch.flags[row] & RowFlag.duplicate) !== 0) continue;
      const at = batch.orderTime.values[row];
      const currency = currencyCode(batch.currency, row);
      const buyer = buyerOf(batch.userId.ids[row], currency);
      const ownCurrency = currencies.values[buyer] === currency;
      const hits = [velocity(buyer, at), amount(batch, row, buyer, ownCurrency), countries(batch, row)];
      for (const hit of hits) if (hit !== null) report(batch, row, hit);
      rememberTime(buyer, at);
      if (ownCurrency) rememberTotal(buyer, batch.totalMinor.values[row]);
    }
  }

  return { name: "order-rules", state, process, advance: () => undefined };
}

/**
 * A currency as a number: its bytes where it has four at most, as every ISO 4217 code has; of a longer
 * name a 32-bit FNV-1a hash, so that state stays bounded whatever the producers write.
 */
function currencyCode(column: OrderBatch["currency"], row: number): number {
  const { bytes, start, end } = column;
  const short = end[row] - start[row] <= 4;
  let code = short ? 0 : 0x811c9dc5;
  for (let i = start[row]; i < end[row]; i++) {
    code = short ? (code << 8) | bytes[i] : Math.imul(code ^ bytes[i], 0x01000193);
  }
  return code | 0;
}
