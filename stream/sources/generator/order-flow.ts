import { COUNTRIES, type Product, type Shopper } from "./catalogue.ts";
import type { Shop } from "./shop.ts";

export interface OrderRequest {
  readonly time: number;
  readonly sessionId: string;
  readonly lines: readonly { readonly product: Product; readonly quantity: number }[];
  /** Set for a member of a ring. */
  readonly ring?: RingMarks;
}

/** What a ring's orders have in common. */
export interface RingMarks {
  readonly deviceId: string;
  readonly card: string;
  /** Null: each member's own. */
  readonly shippingCountry: string | null;
}

/** Share of honest orders that are checked and labelled. */
const CHECKED_SHARE = 0.2;
const SHIPPED_ABROAD_SHARE = 0.01;

/** Where rings ship to, and now and then an honest shopper. */
export const FAR_COUNTRIES = ["NG", "RO", "VN", "PA"];

// What honest shoppers do that looks like fraud: without it, one sign alone would tell a ring.
const FAR_SHARE = 0.01;
const OTHER_DEVICE_SHARE = 0.06;
const OTHER_CARD_SHARE = 0.04;
const FAILED_FIRST_SHARE = 0.03;
const FORGOTTEN_ITEM_SHARE = 0.03;
const FORGOTTEN_ITEM_MS = [15_000, 240_000] as const;

// What becomes of honest orders.
const UNPAID_SHARE = 0.01;
const FAILED_SHARE = 0.01;
const CANCELLED_SHARE = 0.02;
const REFUNDED_SHARE = 0.02;
const PARTLY_REFUNDED_SHARE = 0.02;
const UNDONE_MS = [5_000, 300_000] as const;

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
  shop.unpaidOrderIds.add(orderId);
  const fate = ring === undefined ? drawFate(shop) : "kept";
  pay(shop, shopper, { orderId, amountMinor: order.totalMinor, time, ring, fate });
  if (fate === "cancelled" || fate === "refunded") {
    shop.schedule.once(time + shop.aftermath.between(...UNDONE_MS), (now) =>
      sendOrder(shop, shopper, { eventId: `r-${fate}-${orderId}`, ...order, status: fate, orderTime: now }),
    );
  }
  if (ring === undefined && shop.habits.chance(FORGOTTEN_ITEM_SHARE)) orderAgain(shop, shopper, request);
  const label = ring !== undefined || shop.random.chance(CHECKED_SHARE);
  if (label)
    shop.schedule.once(time + shop.options.labelDelayMs, (now) => judge(shop, shopper, orderId, ring, now));
  if (fate !== "unpaid" && fate !== "failed") {
    shop.schedule.once(time + 1500, (now) =>
      sendOrder(shop, shopper, { ...order, status: "paid", orderTime: now }),
    );
  }
  return orderId;
}

type Fate = "kept" | "unpaid" | "failed" | "cancelled" | "refunded" | "partly refunded";

function drawFate(shop: Shop): Fate {
  const shares: readonly (readonly [Fate, number])[] = [
    ["unpaid", UNPAID_SHARE],
    ["failed", FAILED_SHARE],
    ["cancelled", CANCELLED_SHARE],
    ["refunded", REFUNDED_SHARE],
    ["partly refunded", PARTLY_REFUNDED_SHARE],
  ];
  let place = shop.aftermath.unit();
  for (const [fate, share] of shares) {
    if (place < share) return fate;
    place -= share;
  }
  return "kept";
}

/** The shopper forgot something: the same visit, minutes later. */
function orderAgain(shop: Shop, shopper: Shopper, { time, sessionId, lines }: OrderRequest): void {
  const later = time + shop.habits.between(...FORGOTTEN_ITEM_MS);
  shop.schedule.once(later, (now) => {
    const left = lines.slice(0, 1).filter(({ product }) => product.stock > 0);
    if (left.length > 0) placeOrder(shop, shopper, { time: now, sessionId, lines: left });
  });
}

function orderOf(shop: Shop, shopper: Shopper, orderId: string, { lines, ring }: OrderRequest) {
  const { habits } = shop;
  const near = shop.random.chance(SHIPPED_ABROAD_SHARE) ? shop.random.pick(COUNTRIES) : shopper.country;
  const chosen = ring === undefined && habits.chance(FAR_SHARE) ? habits.pick(FAR_COUNTRIES) : near;
  const other = habits.chance(OTHER_DEVICE_SHARE) ? `-${habits.below(3)}` : "";
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
    deviceId: ring?.deviceId ?? `d-${shopper.id}${other}`,
    ipAddress: `10.${shop.random.below(256)}.${shop.random.below(256)}.${shop.random.below(256)}`,
    billingCountry: shopper.country,
    shippingCountry: ring?.shippingCountry ?? (ring === undefined ? chosen : shopper.country),
  };
}

function sendOrder(shop: Shop, shopper: Shopper, order: Readonly<Record<string, unknown>>): void {
  shop.send("orders", shopper.partition, { eventId: `r-${shop.nextId()}`, ...order });
}

function pay(
  shop: Shop,
  shopper: Shopper,
  order: { orderId: string; amountMinor: number; time: number; ring: OrderRequest["ring"]; fate: Fate },
): void {
  const { habits } = shop;
  const { fate, orderId, amountMinor } = order;
  const other = habits.chance(OTHER_CARD_SHARE) ? `-${habits.below(3)}` : "";
  const payment = {
    paymentId: `y-${shop.nextId()}`,
    orderId,
    userId: shopper.id,
    amountMinor,
    currency: "USD",
    method: "card",
    cardFingerprint: order.ring?.card ?? `card-${shopper.id}${other}`,
    cardCountry: shopper.country,
  };
  const send = (delay: number, status: string, paymentId: string, failureReason?: string): void =>
    shop.schedule.once(order.time + delay, (paymentTime) => {
      if (status === "authorized") shop.unpaidOrderIds.delete(orderId);
      shop.send("payments", shopper.partition, {
        eventId: `t-${shop.nextId()}`,
        ...payment,
        paymentId,
        paymentTime,
        status,
        failureReason,
      });
    });
  if (habits.chance(FAILED_FIRST_SHARE)) send(200, "failed", `y-${shop.nextId()}`, "declined");
  if (fate === "unpaid") return;
  if (fate === "failed") {
    send(400, "failed", payment.paymentId, "declined");
    return;
  }
  send(400, "authorized", payment.paymentId);
  send(1400, "captured", payment.paymentId);
  if (fate !== "refunded" && fate !== "partly refunded") return;
  const part = fate === "refunded" ? amountMinor : shop.aftermath.between(1, Math.max(1, amountMinor));
  shop.schedule.once(order.time + shop.aftermath.between(...UNDONE_MS), (paymentTime) =>
    shop.send("payments", shopper.partition, {
      eventId: `t-refund-${orderId}`,
      ...payment,
      amountMinor: part,
      paymentTime,
      status: "refunded",
    }),
  );
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
