// Written by schema/events/generate.ts from the .avsc files: do not edit.
import type { EnumColumn, EventBatch, Float64Column, Int32Column, KeyColumn, TextColumn } from "../../columns/index.ts";
import type { EventContract, JsonStructure } from "../contract.ts";

/** A change of an order's status; the last one by order time holds. The event as a JSON object. */
export interface Order {
  /** Idempotency key given by the producer. */
  readonly eventId: string;
  /** The order. */
  readonly orderId: string;
  /** When the order took this status. Milliseconds since the Unix epoch. */
  readonly orderTime: number;
  /** The buyer, by the id that the events of the purchase and its payments carry: they meet by it. */
  readonly userId: string;
  /** The order's new status. */
  readonly status: "placed" | "paid" | "shipped" | "delivered" | "cancelled" | "refunded";
  /** ISO 4217 code of all amounts. */
  readonly currency: string;
  /** Total of the order in minor units of currency. */
  readonly totalMinor: number;
  /** Units in the order. */
  readonly itemCount: number;
  /** Array of {productId, quantity, unitPriceMinor, categoryId?}. */
  readonly lines?: JsonStructure | null;
  /** How it is paid, such as card. */
  readonly paymentMethod?: string | null;
  /** Device that placed the order. */
  readonly deviceId?: string | null;
  /** Address that placed the order. */
  readonly ipAddress?: string | null;
  /** ISO 3166-1 alpha-2 code. */
  readonly billingCountry?: string | null;
  /** ISO 3166-1 alpha-2 code. */
  readonly shippingCountry?: string | null;
}

/** Decoded orders: one named column per field. */
export interface OrderBatch extends EventBatch {
  readonly eventId: TextColumn;
  readonly orderId: TextColumn;
  readonly orderTime: Float64Column;
  readonly userId: KeyColumn;
  readonly status: EnumColumn;
  readonly currency: TextColumn;
  readonly totalMinor: Float64Column;
  readonly itemCount: Int32Column;
  readonly lines: TextColumn;
  readonly paymentMethod: TextColumn;
  readonly deviceId: TextColumn;
  readonly ipAddress: TextColumn;
  readonly billingCountry: TextColumn;
  readonly shippingCountry: TextColumn;
}

export const orderV1: EventContract & { readonly name: "order" } = {
  name: "order",
  topic: "orders",
  version: 1,
  doc: "A change of an order's status; the last one by order time holds.",
  idField: "eventId",
  timeField: "orderTime",
  keyField: "userId",
  fields: [
    { name: "eventId", column: "event_id", type: "string", nullable: false, key: false, symbols: null, min: null, max: null, maxBytes: 256, doc: "Idempotency key given by the producer." },
    { name: "orderId", column: "order_id", type: "string", nullable: false, key: false, symbols: null, min: null, max: null, maxBytes: 256, doc: "The order." },
    { name: "orderTime", column: "order_time", type: "timestamp", nullable: false, key: false, symbols: null, min: 0, max: 253402300799999, maxBytes: null, doc: "When the order took this status." },
    { name: "userId", column: "user_id", type: "string", nullable: false, key: true, symbols: null, min: null, max: null, maxBytes: 256, doc: "The buyer, by the id that the events of the purchase and its payments carry: they meet by it." },
    { name: "status", column: "status", type: "enum", nullable: false, key: false, symbols: ["placed","paid","shipped","delivered","cancelled","refunded"], min: null, max: null, maxBytes: null, doc: "The order's new status." },
    { name: "currency", column: "currency", type: "string", nullable: false, key: false, symbols: null, min: null, max: null, maxBytes: 8192, doc: "ISO 4217 code of all amounts." },
    { name: "totalMinor", column: "total_minor", type: "long", nullable: false, key: false, symbols: null, min: -9007199254740991, max: 9007199254740991, maxBytes: null, doc: "Total of the order in minor units of currency." },
    { name: "itemCount", column: "item_count", type: "int", nullable: false, key: false, symbols: null, min: -2147483648, max: 2147483647, maxBytes: null, doc: "Units in the order." },
    { name: "lines", column: "lines", type: "json", nullable: true, key: false, symbols: null, min: null, max: null, maxBytes: 65536, doc: "Array of {productId, quantity, unitPriceMinor, categoryId?}." },
    { name: "paymentMethod", column: "payment_method", type: "string", nullable: true, key: false, symbols: null, min: null, max: null, maxBytes: 8192, doc: "How it is paid, such as card." },
    { name: "deviceId", column: "device_id", type: "string", nullable: true, key: false, symbols: null, min: null, max: null, maxBytes: 256, doc: "Device that placed the order." },
    { name: "ipAddress", column: "ip_address", type: "string", nullable: true, key: false, symbols: null, min: null, max: null, maxBytes: 8192, doc: "Address that placed the order." },
    { name: "billingCountry", column: "billing_country", type: "string", nullable: true, key: false, symbols: null, min: null, max: null, maxBytes: 8192, doc: "ISO 3166-1 alpha-2 code." },
    { name: "shippingCountry", column: "shipping_country", type: "string", nullable: true, key: false, symbols: null, min: null, max: null, maxBytes: 8192, doc: "ISO 3166-1 alpha-2 code." },
  ],
};
