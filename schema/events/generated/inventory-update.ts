// Written by schema/events/generate.ts from the .avsc files: do not edit.
import type { EnumColumn, EventBatch, Float64Column, Int32Column, KeyColumn, TextColumn } from "../../columns/index.ts";
import type { EventContract } from "../contract.ts";

/** Stock of a product in a warehouse: counted anew, or changed. The event as a JSON object. */
export interface InventoryUpdate {
  /** Idempotency key given by the producer. */
  readonly eventId: string;
  /** The product. */
  readonly productId: string;
  /** When the stock was counted or changed. Milliseconds since the Unix epoch. */
  readonly updateTime: number;
  /** The warehouse. */
  readonly warehouseId: string;
  /** Whether quantity is the stock itself or a change of it. */
  readonly kind: "snapshot" | "delta";
  /** Units in stock, or units added (negative: taken). */
  readonly quantity: number;
  /** Why it changed, such as sale or delivery. */
  readonly reason?: string | null;
  /** Stock at which the product should be ordered anew. */
  readonly reorderPoint?: number | null;
}

/** Decoded inventory-updates: one named column per field. */
export interface InventoryUpdateBatch extends EventBatch {
  readonly eventId: TextColumn;
  readonly productId: KeyColumn;
  readonly updateTime: Float64Column;
  readonly warehouseId: TextColumn;
  readonly kind: EnumColumn;
  readonly quantity: Int32Column;
  readonly reason: TextColumn;
  readonly reorderPoint: Int32Column;
}

export const inventoryUpdateV1: EventContract & { readonly name: "inventory-update" } = {
  name: "inventory-update",
  topic: "inventory-updates",
  version: 1,
  doc: "Stock of a product in a warehouse: counted anew, or changed.",
  idField: "eventId",
  timeField: "updateTime",
  keyField: "productId",
  fields: [
    { name: "eventId", column: "event_id", type: "string", nullable: false, key: false, symbols: null, min: null, max: null, maxBytes: 256, doc: "Idempotency key given by the producer." },
    { name: "productId", column: "product_id", type: "string", nullable: false, key: true, symbols: null, min: null, max: null, maxBytes: 256, doc: "The product." },
    { name: "updateTime", column: "update_time", type: "timestamp", nullable: false, key: false, symbols: null, min: 0, max: 253402300799999, maxBytes: null, doc: "When the stock was counted or changed." },
    { name: "warehouseId", column: "warehouse_id", type: "string", nullable: false, key: false, symbols: null, min: null, max: null, maxBytes: 256, doc: "The warehouse." },
    { name: "kind", column: "kind", type: "enum", nullable: false, key: false, symbols: ["snapshot","delta"], min: null, max: null, maxBytes: null, doc: "Whether quantity is the stock itself or a change of it." },
    { name: "quantity", column: "quantity", type: "int", nullable: false, key: false, symbols: null, min: -2147483648, max: 2147483647, maxBytes: null, doc: "Units in stock, or units added (negative: taken)." },
    { name: "reason", column: "reason", type: "string", nullable: true, key: false, symbols: null, min: null, max: null, maxBytes: 8192, doc: "Why it changed, such as sale or delivery." },
    { name: "reorderPoint", column: "reorder_point", type: "int", nullable: true, key: false, symbols: null, min: 0, max: 2147483647, maxBytes: null, doc: "Stock at which the product should be ordered anew." },
  ],
};
