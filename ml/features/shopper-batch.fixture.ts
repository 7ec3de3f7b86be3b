import {
  createEnumColumn,
  createFloat64Column,
  createInt32Column,
  createKeyColumn,
  createTextColumn,
  KeyDictionary,
  type TextColumn,
} from "../../schema/index.ts";
import type { FeatureKeys } from "../plugin.ts";
import { EventTypeCode, type ShopperEventBatch } from "./shopper-event.ts";

/** One event for a hand-made batch. */
export interface ShopperEvent {
  readonly type: keyof typeof EventTypeCode;
  readonly time: number;
  readonly user: string;
  readonly product?: string;
  readonly priceMinor?: number;
  readonly quantity?: number;
  readonly order?: string;
}

export function createKeys(): FeatureKeys {
  return {
    userId: new KeyDictionary("userId"),
    productId: new KeyDictionary("productId"),
    categoryId: new KeyDictionary("categoryId"),
  };
}

/** A batch as the decoder makes it, from plain events; for tests and benchmarks. */
export function shopperBatch(
  events: readonly ShopperEvent[],
  keys: FeatureKeys,
  partition = 0,
): ShopperEventBatch & { readonly orderId: TextColumn } {
  const rows = events.length;
  const eventType = createEnumColumn(rows, Object.keys(EventTypeCode));
  const eventTime = createFloat64Column("timestamp", rows, false);
  const userId = createKeyColumn(rows, keys.userId);
  const productId = createKeyColumn(rows, keys.productId);
  const priceMinor = createFloat64Column("int64", rows, true);
  const quantity = createInt32Column(rows, true);
  const orderId = createTextColumn(rows);
  orderId.bytes = new TextEncoder().encode(events.map(({ order }) => order ?? "").join(""));
  let orderEnd = 0;
  events.forEach((event, row) => {
    eventType.codes[row] = EventTypeCode[event.type];
    eventTime.values[row] = event.time;
    userId.ids[row] = keys.userId.internText(event.user);
    productId.ids[row] = event.product === undefined ? -1 : keys.productId.internText(event.product);
    // What lies under a null is left over from earlier batches: it must not be read.
    priceMinor.values[row] = event.priceMinor ?? Number.NaN;
    (priceMinor.valid as Uint8Array)[row] = event.priceMinor === undefined ? 0 : 1;
    quantity.values[row] = event.quantity ?? -7;
    (quantity.valid as Uint8Array)[row] = event.quantity === undefined ? 0 : 1;
    orderId.start[row] = event.order === undefined ? -1 : orderEnd;
    orderEnd += Buffer.byteLength(event.order ?? "");
    orderId.end[row] = orderEnd;
  });
  return {
    contract: "customer-event",
    topic: "customer-events",
    partition,
    length: rows,
    offset: Float64Array.from({ length: rows }, (_, row) => row),
    ingestedAt: new Float64Array(rows),
    columns: [eventType, eventTime, userId, productId, priceMinor, quantity],
    flags: new Uint8Array(rows),
    extra: createTextColumn(rows),
    eventType,
    eventTime,
    userId,
    productId,
    priceMinor,
    quantity,
    orderId,
  };
}
