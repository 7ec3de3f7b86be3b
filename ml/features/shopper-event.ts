import type { EnumColumn, EventBatch, Float64Column, Int32Column, KeyColumn } from "../../schema/index.ts";

/** The columns of a `customer-event` batch that the features read; the decoder's batch has them and more. */
export interface ShopperEventBatch extends EventBatch {
  readonly eventType: EnumColumn;
  readonly eventTime: Float64Column;
  readonly userId: KeyColumn;
  readonly productId: KeyColumn;
  readonly priceMinor: Float64Column;
  readonly quantity: Int32Column;
}

export const SHOPPER_EVENT_FIELDS = [
  "eventType",
  "eventTime",
  "userId",
  "productId",
  "priceMinor",
  "quantity",
] as const;

/** Codes of `eventType`: positions in the contract's symbols, which only ever grow at the end. */
export const EventTypeCode = {
  page_view: 0,
  item_view: 1,
  click: 2,
  search: 3,
  cart_add: 4,
  cart_remove: 5,
  checkout: 6,
  purchase: 7,
} as const;

/** A visit ends after 30 minutes without an event. */
export const SESSION_GAP_MS = 30 * 60_000;
