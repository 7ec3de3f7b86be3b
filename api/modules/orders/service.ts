import { silverOrders } from "../../../stream/index.ts";
import type { LakeReader } from "../common/lake-reader.ts";
import { flag, long, number, optionalText, type Row, text, time } from "../common/row.ts";
import { Conditions, newestRevisions } from "../common/sql.ts";
import type { Page, PageArgs } from "../common/types.ts";
import {
  type Order,
  type OrderFilter,
  type OrderPayment,
  type OrderProfile,
  OrderStatus,
  type PaymentStatus,
} from "./type.ts";

export class OrdersService {
  private readonly lake: LakeReader;

  constructor(lake: LakeReader) {
    this.lake = lake;
  }

  /** Orders as they stand, newest first. */
  list(filter: OrderFilter, page: PageArgs): Promise<Page<Order>> {
    return this.lake.page({
      connection: "orders",
      table: silverOrders,
      page,
      keyset: [
        { column: "order_time", type: "time" },
        { column: "order_id", type: "text" },
      ],
      order: "desc",
      conditions: new Conditions()
        .compare("user_id", "=", filter.userId)
        .within("order_time", filter.from, filter.to),
      holding: holding(filter),
      toNode: toOrder,
    });
  }

  async byId(id: string, asOf?: string | null): Promise<Order | null> {
    const pinned = await this.lake.pin(silverOrders, asOf);
    const conditions = new Conditions().compare("order_id", "=", id);
    const rows = await this.lake.rows(pinned, newestRevisions(silverOrders, conditions), conditions);
    return rows.length === 0 ? null : toOrder(rows[0]);
  }
}

/** What a change of an order can change. The words are ours: one of six, and a boolean. */
function holding({ status, paymentMissing }: OrderFilter): string {
  const known = Object.values(OrderStatus).find((one) => one === status);
  const parts = known === undefined ? [] : [`status = '${known}'`];
  if (paymentMissing === true) parts.push("payment_missing");
  if (paymentMissing === false) parts.push("not payment_missing");
  return parts.length === 0 ? "1 = 1" : parts.join(" and ");
}

function toOrder(row: Row): Order {
  return {
    id: text(row, "order_id"),
    userId: text(row, "user_id"),
    orderTime: time(row, "order_time"),
    status: text(row, "status") as OrderStatus,
    statusTime: time(row, "status_time"),
    total: { amountMinor: long(row, "total_minor"), currency: text(row, "currency") },
    itemCount: number(row, "item_count"),
    paymentMethod: optionalText(row, "payment_method"),
    billingCountry: optionalText(row, "billing_country"),
    shippingCountry: optionalText(row, "shipping_country"),
    payment: toPayment(row),
    failedPayments: number(row, "failed_payments"),
    paymentMissing: flag(row, "payment_missing"),
    profile: toProfile(row),
    revision: number(row, "revision"),
  };
}

function toPayment(row: Row): OrderPayment | null {
  const id = optionalText(row, "payment_id");
  if (id === null) return null;
  return {
    id,
    status: text(row, "payment_status") as PaymentStatus,
    time: time(row, "payment_time"),
    amount: { amountMinor: long(row, "paid_minor"), currency: text(row, "payment_currency") },
    cardCountry: optionalText(row, "card_country"),
  };
}

function toProfile(row: Row): OrderProfile | null {
  if (optionalText(row, "profile_time") === null) return null;
  return {
    time: time(row, "profile_time"),
    country: optionalText(row, "profile_country"),
    segment: optionalText(row, "profile_segment"),
    signupTime: optionalText(row, "signup_time") === null ? null : time(row, "signup_time"),
  };
}
