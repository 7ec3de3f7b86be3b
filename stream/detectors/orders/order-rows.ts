import { type EventContract, orderContract, paymentContract } from "../../../schema/index.ts";
import type { OperatorKeys } from "../../operators/operator-keys.ts";
import type { ProfileVersion } from "../../operators/profile-table.ts";
import type { OperatorOutputs } from "../../runtime/operator.ts";
import type { JoinedOrder } from "./order-book.ts";
import { silverOrders } from "./orders-table.ts";

const ORDER_STATUSES = statusesOf(orderContract);
const PAYMENT_STATUSES = statusesOf(paymentContract);

/** Writes rows of `silver.orders`. */
export function createOrderRows(outputs: OperatorOutputs, keys: OperatorKeys) {
  const rows = outputs.openRows(silverOrders, { user_id: keys.userId });
  const userId = rows.key("user_id");
  const text = (name: string) => {
    const column = rows.text(name);
    return (row: number, value: string | null): void => rows.setText(column, row, value);
  };
  const number = (name: string) => {
    const column = rows.float64(name);
    return (row: number, value: number | null): void => {
      if (column.valid !== null) column.valid[row] = value === null ? 0 : 1;
      column.values[row] = value ?? 0;
    };
  };
  const out = {
    orderId: text("order_id"),
    orderTime: number("order_time"),
    status: text("status"),
    statusTime: number("status_time"),
    currency: text("currency"),
    total: number("total_minor"),
    items: rows.int32("item_count"),
    method: text("payment_method"),
    device: text("device_id"),
    ip: text("ip_address"),
    billing: text("billing_country"),
    shipping: text("shipping_country"),
    paymentId: text("payment_id"),
    paymentStatus: text("payment_status"),
    paymentTime: number("payment_time"),
    paid: number("paid_minor"),
    paymentCurrency: text("payment_currency"),
    card: text("card_fingerprint"),
    cardCountry: text("card_country"),
    failures: rows.int32("failed_payments"),
    missing: rows.boolean("payment_missing"),
    profileTime: number("profile_time"),
    profileCountry: text("profile_country"),
    segment: text("profile_segment"),
    signup: number("signup_time"),
    revision: rows.int32("revision"),
  };

  return function write(order: JoinedOrder, profile: ProfileVersion | null, revision: number): void {
    const { texts, payment } = order;
    const row = rows.next();
    out.orderId(row, texts.orderId);
    userId.ids[row] = order.user;
    out.orderTime(row, order.placedTime);
    out.status(row, ORDER_STATUSES[order.statusCode]);
    out.statusTime(row, order.statusTime);
    out.currency(row, texts.currency);
    out.total(row, order.totalMinor);
    out.items.values[row] = order.items;
    out.method(row, texts.paymentMethod);
    out.device(row, texts.deviceId);
    out.ip(row, texts.ipAddress);
    out.billing(row, texts.billingCountry);
    out.shipping(row, texts.shippingCountry);
    out.paymentId(row, payment?.texts.paymentId ?? null);
    out.paymentStatus(row, payment === null ? null : PAYMENT_STATUSES[payment.statusCode]);
    out.paymentTime(row, payment?.time ?? null);
    out.paid(row, payment?.amountMinor ?? null);
    out.paymentCurrency(row, payment?.texts.currency ?? null);
    out.card(row, payment?.texts.cardFingerprint ?? null);
    out.cardCountry(row, payment?.texts.cardCountry ?? null);
    out.failures.values[row] = order.failedPayments;
    out.missing.values[row] = order.isMissing ? 1 : 0;
    out.profileTime(row, profile?.updateTime ?? null);
    out.profileCountry(row, profile?.country ?? null);
    out.segment(row, profile?.segment ?? null);
    out.signup(row, profile?.signupTime ?? null);
    out.revision.values[row] = revision;
  };
}

function statusesOf({ fields }: EventContract): readonly string[] {
  return fields.find(({ name }) => name === "status")?.symbols ?? [];
}
