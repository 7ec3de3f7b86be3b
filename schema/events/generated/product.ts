// Written by schema/events/generate.ts from the .avsc files: do not edit.
import type { BooleanColumn, EventBatch, Float64Column, KeyColumn, TextColumn } from "../../columns/index.ts";
import type { EventContract } from "../contract.ts";

/** The newest state of a product in the catalogue; replaces the earlier one. The event as a JSON object. */
export interface Product {
  /** Idempotency key given by the producer. */
  readonly eventId: string;
  /** The product. */
  readonly productId: string;
  /** When the product changed. Milliseconds since the Unix epoch. */
  readonly updateTime: number;
  /** Name shown to shoppers. */
  readonly name?: string | null;
  /** The product's category. */
  readonly categoryId?: string | null;
  /** Readable path of the category, such as electronics.smartphone. */
  readonly categoryCode?: string | null;
  /** Brand. */
  readonly brand?: string | null;
  /** List price of one unit in minor units of currency. */
  readonly priceMinor?: number | null;
  /** ISO 4217 code of priceMinor. */
  readonly currency?: string | null;
  /** Whether it can be bought. */
  readonly active?: boolean | null;
}

/** Decoded products: one named column per field. */
export interface ProductBatch extends EventBatch {
  readonly eventId: TextColumn;
  readonly productId: KeyColumn;
  readonly updateTime: Float64Column;
  readonly name: TextColumn;
  readonly categoryId: KeyColumn;
  readonly categoryCode: TextColumn;
  readonly brand: TextColumn;
  readonly priceMinor: Float64Column;
  readonly currency: TextColumn;
  readonly active: BooleanColumn;
}

export const productV1: EventContract & { readonly name: "product" } = {
  name: "product",
  topic: "products",
  version: 1,
  doc: "The newest state of a product in the catalogue; replaces the earlier one.",
  idField: "eventId",
  timeField: "updateTime",
  keyField: "productId",
  fields: [
    { name: "eventId", column: "event_id", type: "string", nullable: false, key: false, symbols: null, min: null, max: null, maxBytes: 256, doc: "Idempotency key given by the producer." },
    { name: "productId", column: "product_id", type: "string", nullable: false, key: true, symbols: null, min: null, max: null, maxBytes: 256, doc: "The product." },
    { name: "updateTime", column: "update_time", type: "timestamp", nullable: false, key: false, symbols: null, min: 0, max: 253402300799999, maxBytes: null, doc: "When the product changed." },
    { name: "name", column: "name", type: "string", nullable: true, key: false, symbols: null, min: null, max: null, maxBytes: 8192, doc: "Name shown to shoppers." },
    { name: "categoryId", column: "category_id", type: "string", nullable: true, key: true, symbols: null, min: null, max: null, maxBytes: 256, doc: "The product's category." },
    { name: "categoryCode", column: "category_code", type: "string", nullable: true, key: false, symbols: null, min: null, max: null, maxBytes: 8192, doc: "Readable path of the category, such as electronics.smartphone." },
    { name: "brand", column: "brand", type: "string", nullable: true, key: false, symbols: null, min: null, max: null, maxBytes: 8192, doc: "Brand." },
    { name: "priceMinor", column: "price_minor", type: "long", nullable: true, key: false, symbols: null, min: 0, max: 9007199254740991, maxBytes: null, doc: "List price of one unit in minor units of currency." },
    { name: "currency", column: "currency", type: "string", nullable: true, key: false, symbols: null, min: null, max: null, maxBytes: 8192, doc: "ISO 4217 code of priceMinor." },
    { name: "active", column: "active", type: "boolean", nullable: true, key: false, symbols: null, min: null, max: null, maxBytes: null, doc: "Whether it can be bought." },
  ],
};
