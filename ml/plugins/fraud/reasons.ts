/** What a value of `ENTITY_FIGURE` says; `{}` stands for the value. */
const HISTORY: Readonly<Record<string, string>> = {
  orders_5m: "{} earlier orders {of} within 5 minutes",
  orders_1h: "{} earlier orders {of} within an hour",
  orders_1d: "{} earlier orders {of} within a day",
  orders_7d: "{} earlier orders {of} within 7 days",
  orders_30d: "{} earlier orders {of} within 30 days",
  amount_1h: "{} minor units spent {of} within an hour",
  amount_1d: "{} minor units spent {of} within a day",
  amount_30d: "{} minor units spent {of} within 30 days",
  hours_since_last: "{} hours since the last order {of}",
  days_known: "the first order {of} was {} days ago",
  amount_to_mean: "{} times the mean amount {of}",
  amount_to_max: "{} times the highest amount {of}",
  users_1d: "{} users {of} within a day",
  users_30d: "{} users {of} within 30 days",
  devices_1d: "{} devices {of} within a day",
  devices_30d: "{} devices {of} within 30 days",
  known_labels: "{} orders {of} were judged before",
  known_frauds: "{} known frauds {of}",
  known_fraud_rate: "a share of {} of the judged orders {of} was fraud",
  days_since_known_fraud: "a fraud {of} became known {} days ago",
};

const ENTITIES: Readonly<Record<string, string>> = {
  user: "of the user",
  device: "from this device",
  address: "from this IP address",
  card: "with this card",
  country: "to this country",
  product: "of this product",
};

const OWN: Readonly<Record<string, string>> = {
  order_amount: "an order of {} minor units",
  order_items: "{} items",
  order_lines: "{} lines",
  order_unit_price_max: "an item of {} minor units",
  order_amount_per_item: "{} minor units an item",
  order_ships_abroad: "shipped to another country than billed: {yes}",
  order_payment_known: "the payment was there before the order: {yes}",
  order_card_abroad: "a card of another country than billed: {yes}",
  order_weekend: "placed at a weekend: {yes}",
  user_amount_deviations: "{} deviations from the user's usual amount",
  user_amount_to_median: "{} times the user's median amount",
  user_hours_since_third: "{} hours since the user's third last order",
  user_gap_to_usual: "{} times the user's usual time between orders",
  user_addresses_1d: "{} IP addresses of the user within a day",
  user_countries_30d: "{} destination countries of the user within 30 days",
  user_products_1d: "{} products of the user within a day",
  user_orders_on_device: "{} earlier orders of the user on this device",
  user_orders_from_address: "{} earlier orders of the user from this IP address",
  user_orders_to_country: "{} earlier orders of the user to this country",
  user_orders_of_product: "{} earlier orders of the user of this product",
  user_cancelled_share: "a share of {} of the user's orders was cancelled",
  user_refunded_share: "a share of {} of the user's orders was refunded",
  payer_attempts_5m: "{} attempts to pay within 5 minutes",
  payer_attempts_1h: "{} attempts to pay within an hour",
  payer_attempts_1d: "{} attempts to pay within a day",
  payer_attempts_30d: "{} attempts to pay within 30 days",
  payer_cards_1d: "{} cards of the user within a day",
  payer_cards_30d: "{} cards of the user within 30 days",
  payer_attempts_with_card: "the user paid {} times with this card",
  payer_failures_1h: "{} failed payments within an hour",
  payer_failures_1d: "{} failed payments within a day",
  payer_failures_30d: "{} failed payments within 30 days",
  payer_hours_since_failure: "{} hours since a payment failed",
  payer_refunded_share: "a share of {} of the user's payments was refunded",
};

/** What a feature's value means, for a person. */
export function describeFeature(feature: string, value: number): string {
  if (Number.isNaN(value)) return `${feature.replaceAll("_", " ")} is not known`;
  const number = shortNumber(value);
  const own = OWN[feature];
  if (own !== undefined) return own.replace("{yes}", value > 0 ? "yes" : "no").replace("{}", number);
  const cut = feature.indexOf("_");
  const [entity, figure] = [feature.slice(0, cut), feature.slice(cut + 1)];
  const text = HISTORY[figure];
  if (text !== undefined && entity in ENTITIES) {
    return text.replace("{of}", ENTITIES[entity]).replace("{}", number);
  }
  // Features of the visit and of the hour are transformed: their size says more than their value.
  return `${feature.replaceAll("_", " ")} at ${number}`;
}

function shortNumber(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toFixed(Math.abs(value) < 10 ? 2 : 0);
}
