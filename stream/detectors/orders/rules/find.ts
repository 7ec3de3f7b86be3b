import type { ProfileVersion } from "../../../operators/profile-table.ts";
import type { JoinedOrder } from "../order-book.ts";
import type { BuyersPast } from "./buyer-history.ts";
import type { Finding } from "./order-alerts.ts";
import type { AmountRule, CountryRule, CountrySide, FirstOrderRule, NightRule } from "./rule.ts";
import type { RuleInForce } from "./rule-book.ts";

const HOUR_MS = 3_600_000;

/** What the rules need that look at an order and its buyer's past alone. */
export interface PlacedOrder {
  readonly timeMs: number;
  readonly totalMinor: number;
  readonly currency: string;
  readonly past: BuyersPast;
}

/** `ID@VERSION`, as alerts name it. */
export function ruleName({ rule, version }: RuleInForce): string {
  return `${rule.id}@${version}`;
}

/** What an amount, night or first-order rule finds in an order; null where nothing, or of another kind. */
export function findInPlaced(inForce: RuleInForce, order: PlacedOrder): Finding | null {
  const { rule } = inForce;
  const seen =
    rule.kind === "amount"
      ? amount(rule, order)
      : rule.kind === "night"
        ? night(rule, order)
        : rule.kind === "first-order"
          ? firstOrder(rule, order)
          : null;
  return seen === null ? null : { rule: ruleName(inForce), severity: rule.severity, ...seen };
}

/** What a country rule finds in an order with what was joined to it. */
export function findInJoined(
  inForce: RuleInForce,
  order: JoinedOrder,
  profile: ProfileVersion | null,
): Finding | null {
  const { rule } = inForce;
  if (rule.kind !== "country") return null;
  const [left, right] = [rule.left, rule.right].map((side) => countryOf(side, order, profile));
  // Empty, too, stands for one that is not known.
  if (!left || !right || left === right) return null;
  const reason = reasonOf(rule, left, right);
  const figures = { [rule.left]: left, [rule.right]: right };
  return { rule: ruleName(inForce), severity: rule.severity, reason, figures };
}

function amount(rule: AmountRule, { totalMinor, currency, past }: PlacedOrder) {
  const mean = past.ownOrders === 0 ? 0 : past.ownMinor / past.ownOrders;
  const isAboveOwn = past.ownOrders >= rule.historyMin && totalMinor > rule.timesMean * mean;
  if (totalMinor < rule.totalMinorMin && !isAboveOwn) return null;
  const total = `total ${totalMinor} ${currency} minor units is`;
  const reason = isAboveOwn
    ? `${total} over ${rule.timesMean} times the user's mean of ${Math.round(mean)}`
    : `${total} at or over ${rule.totalMinorMin}`;
  return { reason, figures: { totalMinor, meanMinor: Math.round(mean) } };
}

function night(rule: NightRule, { timeMs, totalMinor, currency }: PlacedOrder) {
  const hour = Math.floor((timeMs + rule.utcOffsetMinutes * 60_000) / HOUR_MS) % 24;
  const { fromHour, toHour } = rule;
  const isNight = fromHour <= toHour ? hour >= fromHour && hour < toHour : hour >= fromHour || hour < toHour;
  if (!isNight || totalMinor < rule.totalMinorMin) return null;
  const reason = `total ${totalMinor} ${currency} minor units in hour ${hour} of the day`;
  return { reason, figures: { totalMinor, hour } };
}

function firstOrder(rule: FirstOrderRule, { totalMinor, currency, past }: PlacedOrder) {
  if (past.orders > 0 || totalMinor < rule.totalMinorMin) return null;
  return { reason: `first order, of ${totalMinor} ${currency} minor units`, figures: { totalMinor } };
}

function countryOf(side: CountrySide, order: JoinedOrder, profile: ProfileVersion | null): string | null {
  switch (side) {
    case "billing":
      return order.texts.billingCountry;
    case "shipping":
      return order.texts.shippingCountry;
    case "card":
      return order.payment?.texts.cardCountry ?? null;
    case "profile":
      return profile?.country ?? null;
  }
}

function reasonOf({ left, right }: CountryRule, of: string, other: string): string {
  const words = { billing: "billed in", shipping: "shipped to", profile: "profile in", card: "card of" };
  return `${words[left]} ${of}, ${words[right]} ${other}`;
}
