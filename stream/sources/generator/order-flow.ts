import { COUNTRIES, type Product, type Shopper } from "./catalogue.ts";
import type { Shop } from "./shop.ts";

export interface OrderRequest {
  readonly time: number;
  readonly sessionId: string;
  readonly lines: readonly { readonly product: Product; readonly quantity: number }[];
  /** Set for a member of a ring: what its orders have in common. */
  readonly ring?: { readonly deviceId: string; readonly card: string; readonly shippingCountry: string };
}

/** Share of honest orders that are checked and labelled. */
const CHECKED_SHARE = 0.2;
const SHIPPED_ABROAD_SHARE = 0.01;

/** A purchase with all that follows: events, order, stock, payment, status, label. Returns the order's id. */
export function placeOrder(shop: Shop, shopper: Shopper, request: OrderRequest): string {
  const { time, sessionId, lines, ring } = request;
  const orderId = `o-${shop.nextId()}`;
  shop.orders++;
  for (const { product, quantity } of lines) {
    const details = `${product.json}"quantity":${quantity},"orderId":"${orderId}",`;
    const event = shop.event("purchase", time, shopper, sessionId, details);
    if (ring === undefined) shop.delivery.event(time, event);
    else shop.delivery.planted(event);
    shop.takeStock(product, quantity, time);
  }
  const order = orderOf(shop, shopper, orderId, request);
  sendOrder(shop, shopper, { ...order, status: "placed", orderTime: time });
  pay(shop, shopper, { orderId, amountMinor: order.totalMinor, time, ring });
  const label = ring !== undefined || shop.random.chance(CHECKED_SHARE);
  if (label)
    shop.schedule.once(time + shop.options.labelDelayMs, (now) => judge(shop, shopper, orderId, ring, now));
  shop.schedule.once(time + 1500, (now) =>
    sendOrder(shop, shopper, { ...order, status: "paid", orderTime: now }),
  );
  return orderId;
}

function orderOf(shop: Shop, shopper: Shopper, orderId: string, { lines, ring }: OrderRequest) {
  const abroad = shop.random.chance(SHIPPED_ABROAD_SHARE) ? shop.random.pick(COUNTRIES) : shopper.country;
  return {
    orderId,
    userId: shopper.id,
    currency: "USD",
    totalMinor: lines.reduce((sum, { product, quantity }) => sum + product.priceMinor * quantity, 0),
    itemCount: lines.reduce((sum, { quantity }) => sum + quantity, 0),
    lines: lines.map(({ product, quantity }) => ({
      productId: product.id,
      quantity,
      unitPriceMinor: product.priceMinor,
      categoryId: product.categoryId,
    })),
    paymentMethod: "card",
    deviceId: ring?.deviceId ?? `d-${shopper.id}`,
    ipAddress: `10.${shop.random.below(256)}.${shop.random.below(256)}.${shop.random.below(256)}`,
    billingCountry: shopper.country,
    shippingCountry: ring?.shippingCountry ?? abroad,
  };
}

function sendOrder(shop: Shop, shopper: Shopper, order: Readonly<Record<string, unknown>>): void {
  shop.send("orders", shopper.partition, { eventId: `r-${shop.nextId()}`, ...order });
}

function pay(
  shop: Shop,
  shopper: Shopper,
  order: { orderId: string; amountMinor: number; time: number; ring: OrderRequest["ring"] },
): void {
  const payment = {
    paymentId: `y-${shop.nextId()}`,
    orderId: order.orderId,
    userId: shopper.id,
    amountMinor: order.amountMinor,
    currency: "USD",
    method: "card",
    cardFingerprint: order.ring?.card ?? `card-${shopper.id}`,
    cardCountry: shopper.country,
  };
  for (const [delay, status] of [
    [400, "authorized"],
    [1400, "captured"],
  ] as const) {
    shop.schedule.once(order.time + delay, (paymentTime) =>
      shop.send("payments", shopper.partition, {
        eventId: `t-${shop.nextId()}`,
        ...payment,
        paymentTime,
        status,
      }),
    );
  }
}

function judge(shop: Shop, shopper: Shopper, orderId: string, ring: OrderRequest["ring"], now: number): void {
  shop.send("fraud-labels", shopper.partition, {
    eventId: `l-${shop.nextId()}`,
    orderId,
    userId: shopper.id,
    labelTime: now,
    isFraud: ring !== undefined,
    source: ring === undefined ? "review" : "chargeback",
  });
}
