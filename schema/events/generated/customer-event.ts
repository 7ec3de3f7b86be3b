// Written by schema/events/generate.ts from the .avsc files: do not edit.
import type { EnumColumn, EventBatch, Float64Column, Int32Column, KeyColumn, TextColumn } from "../../columns/index.ts";
import type { EventContract } from "../contract.ts";

/** What a shopper did in the shop: one event a page view, click, cart change or purchase. The event as a JSON object. */
export interface CustomerEvent {
  /** Idempotency key given by the producer; a repeat within the deduplication horizon is dropped. */
  readonly eventId: string;
  /** What happened. */
  readonly eventType: "page_view" | "item_view" | "click" | "search" | "cart_add" | "cart_remove" | "checkout" | "purchase";
  /** When it happened, by the shop's clock. Milliseconds since the Unix epoch. */
  readonly eventTime: number;
  /** The shopper; anonymous shoppers have an id of their device. */
  readonly userId: string;
  /** Session as the producer names it. */
  readonly sessionId?: string | null;
  /** The product concerned. */
  readonly productId?: string | null;
  /** The product's category. */
  readonly categoryId?: string | null;
  /** Readable path of the category, such as electronics.smartphone. */
  readonly categoryCode?: string | null;
  /** The product's brand. */
  readonly brand?: string | null;
  /** Price of one unit in minor units of currency. */
  readonly priceMinor?: number | null;
  /** ISO 4217 code of priceMinor. */
  readonly currency?: string | null;
  /** Units put into the cart or bought; 1 where it is absent. */
  readonly quantity?: number | null;
  /** The order of a checkout or purchase. */
  readonly orderId?: string | null;
  /** Search text as typed. */
  readonly query?: string | null;
  /** Address of the page. */
  readonly pageUrl?: string | null;
  /** Where the shopper came from. */
  readonly referrer?: string | null;
  /** Device class, such as mobile. */
  readonly device?: string | null;
  /** ISO 3166-1 alpha-2 code of the shopper's country. */
  readonly country?: string | null;
}

/** Decoded customer-events: one named column per field. */
export interface CustomerEventBatch extends EventBatch {
  readonly eventId: TextColumn;
  readonly eventType: EnumColumn;
  readonly eventTime: Float64Column;
  readonly userId: KeyColumn;
  readonly sessionId: TextColumn;
  readonly productId: KeyColumn;
  readonly categoryId: KeyColumn;
  readonly categoryCode: TextColumn;
  readonly brand: TextColumn;
  readonly priceMinor: Float64Column;
  readonly currency: TextColumn;
  readonly quantity: Int32Column;
  readonly orderId: TextColumn;
  readonly query: TextColumn;
  readonly pageUrl: TextColumn;
  readonly referrer: TextColumn;
  readonly device: TextColumn;
  readonly country: TextColumn;
}

export const customerEventV1: EventContract & { readonly name: "customer-event" } = {
  name: "customer-event",
  topic: "customer-events",
  version: 1,
  doc: "What a shopper did in the shop: one event a page view, click, cart change or purchase.",
  idField: "eventId",
  timeField: "eventTime",
  keyField: "userId",
  fields: [
    { name: "eventId", column: "event_id", type: "string", nullable: false, key: false, symbols: null, min: null, max: null, maxBytes: 256, doc: "Idempotency key given by the producer; a repeat within the deduplication horizon is dropped." },
    { name: "eventType", column: "event_type", type: "enum", nullable: false, key: false, symbols: ["page_view","item_view","click","search","cart_add","cart_remove","checkout","purchase"], min: null, max: null, maxBytes: null, doc: "What happened." },
    { name: "eventTime", column: "event_time", type: "timestamp", nullable: false, key: false, symbols: null, min: 0, max: 253402300799999, maxBytes: null, doc: "When it happened, by the shop's clock." },
    { name: "userId", column: "user_id", type: "string", nullable: false, key: true, symbols: null, min: null, max: null, maxBytes: 256, doc: "The shopper; anonymous shoppers have an id of their device." },
    { name: "sessionId", column: "session_id", type: "string", nullable: true, key: false, symbols: null, min: null, max: null, maxBytes: 256, doc: "Session as the producer names it." },
    { name: "productId", column: "product_id", type: "string", nullable: true, key: true, symbols: null, min: null, max: null, maxBytes: 256, doc: "The product concerned." },
    { name: "categoryId", column: "category_id", type: "string", nullable: true, key: true, symbols: null, min: null, max: null, maxBytes: 256, doc: "The product's category." },
    { name: "categoryCode", column: "category_code", type: "string", nullable: true, key: false, symbols: null, min: null, max: null, maxBytes: 8192, doc: "Readable path of the category, such as electronics.smartphone." },
    { name: "brand", column: "brand", type: "string", nullable: true, key: false, symbols: null, min: null, max: null, maxBytes: 8192, doc: "The product's brand." },
    { name: "priceMinor", column: "price_minor", type: "long", nullable: true, key: false, symbols: null, min: 0, max: 9007199254740991, maxBytes: null, doc: "Price of one unit in minor units of currency." },
    { name: "currency", column: "currency", type: "string", nullable: true, key: false, symbols: null, min: null, max: null, maxBytes: 8192, doc: "ISO 4217 code of priceMinor." },
    { name: "quantity", column: "quantity", type: "int", nullable: true, key: false, symbols: null, min: 1, max: 2147483647, maxBytes: null, doc: "Units put into the cart or bought; 1 where it is absent." },
    { name: "orderId", column: "order_id", type: "string", nullable: true, key: false, symbols: null, min: null, max: null, maxBytes: 256, doc: "The order of a checkout or purchase." },
    { name: "query", column: "query", type: "string", nullable: true, key: false, symbols: null, min: null, max: null, maxBytes: 8192, doc: "Search text as typed." },
    { name: "pageUrl", column: "page_url", type: "string", nullable: true, key: false, symbols: null, min: null, max: null, maxBytes: 8192, doc: "Address of the page." },
    { name: "referrer", column: "referrer", type: "string", nullable: true, key: false, symbols: null, min: null, max: null, maxBytes: 8192, doc: "Where the shopper came from." },
    { name: "device", column: "device", type: "string", nullable: true, key: false, symbols: null, min: null, max: null, maxBytes: 8192, doc: "Device class, such as mobile." },
    { name: "country", column: "country", type: "string", nullable: true, key: false, symbols: null, min: null, max: null, maxBytes: 8192, doc: "ISO 3166-1 alpha-2 code of the shopper's country." },
  ],
};
