// Written by schema/events/generate.ts from the .avsc files: do not edit.
import type { EnumColumn, EventBatch, Float64Column, Int32Column, KeyColumn, TextColumn } from "../../columns/index.ts";
import type { EventContract } from "../contract.ts";
import { fold, foldEnd } from "../decoder/text-hash.ts";
import type { JsonReader } from "../decoder/json-reader.ts";

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

/** Reads the usual layout; see {@link UsualReader}. */
export function readUsualCustomerEvent(reader: JsonReader, start: number, end: number, row: number): number {
  const { view, bytes, starts, ends, hashes, uint8, capacity } = reader;
  let p = start;
  let from = 0;
  let word = 0;
  let hit = 0;
  let hash = 0;
  let at = 0;
  let seen = 0;
  let place = reader.place;
  if (place === 0 && view.getInt32(p, true) === 1986339451 && view.getInt32((p + 4) | 0, true) === 1232367205 && view.getInt32((p + 8) | 0, true) === 574235236) {
    p = (p + 12) | 0;
    at = row;
    from = p;
    word = view.getInt32(p, true);
    hit = ((word - 0x23232323) | ((word ^ 0x5c5c5c5c) - 0x01010101) | word) & -2139062144;
    while (hit === 0 && p < end) {
      p = (p + 4) | 0;
      word = view.getInt32(p, true);
      hit = ((word - 0x23232323) | ((word ^ 0x5c5c5c5c) - 0x01010101) | word) & -2139062144;
    }
    p = (p + ((31 - Math.clz32(hit & -hit)) >>> 3)) | 0;
    if (p >= end) return -1;
    if (bytes[p] === 0x22) {
      starts[at] = from;
      ends[at] = p;
      if (p === from || p - from > 256) return -1;
      p = (p + 1) | 0;
    } else {
      p = reader.oddText(0, from, p, end, at);
      if (p < 0) return -1;
    }
    seen |= 1;
    place = 1;
  } else if (place === 0) {
    reader.seen = 0;
    return p;
  }
  if (view.getInt32(p, true) === 1986339372 && view.getInt32((p + 4) | 0, true) === 1416916581 && view.getInt32((p + 8) | 0, true) === 577073273 && view.getInt32((p + 10) | 0, true) === 574235237) {
    p = (p + 14) | 0;
    at = row;
    if (view.getInt32(p, true) === 1701273968 && view.getInt32((p + 4) | 0, true) === 1701410399 && view.getInt32((p + 6) | 0, true) === 578250089) {
      uint8[at] = 0;
      p = (p + 10) | 0;
    } else if (view.getInt32(p, true) === 1835365481 && view.getInt32((p + 4) | 0, true) === 1701410399 && view.getInt32((p + 6) | 0, true) === 578250089) {
      uint8[at] = 1;
      p = (p + 10) | 0;
    } else if (view.getInt32(p, true) === 1667853411 && view.getInt32((p + 2) | 0, true) === 577463145) {
      uint8[at] = 2;
      p = (p + 6) | 0;
    } else if (view.getInt32(p, true) === 1918985587 && view.getInt32((p + 3) | 0, true) === 577266546) {
      uint8[at] = 3;
      p = (p + 7) | 0;
    } else if (view.getInt32(p, true) === 1953653091 && view.getInt32((p + 4) | 0, true) === 1684300127 && view.getInt32((p + 5) | 0, true) === 577004641) {
      uint8[at] = 4;
      p = (p + 9) | 0;
    } else if (view.getInt32(p, true) === 1953653091 && view.getInt32((p + 4) | 0, true) === 1835364959 && view.getInt32((p + 8) | 0, true) === 577074799) {
      uint8[at] = 5;
      p = (p + 12) | 0;
    } else if (view.getInt32(p, true) === 1667590243 && view.getInt32((p + 4) | 0, true) === 1953853291 && view.getInt32((p + 5) | 0, true) === 578057583) {
      uint8[at] = 6;
      p = (p + 9) | 0;
    } else if (view.getInt32(p, true) === 1668445552 && view.getInt32((p + 4) | 0, true) === 1702060392 && view.getInt32((p + 5) | 0, true) === 577074017) {
      uint8[at] = 7;
      p = (p + 9) | 0;
    } else {
      return -1;
    }
    seen |= 2;
    place = 2;
  }
  if (view.getInt32(p, true) === 1986339372 && view.getInt32((p + 4) | 0, true) === 1416916581 && view.getInt32((p + 8) | 0, true) === 577072489 && view.getInt32((p + 9) | 0, true) === 975332717) {
    p = (p + 13) | 0;
    at = row;
    p = reader.value(2, p, end, row);
    if (p < 0 || p > end) return -1;
    seen |= 4;
    place = 3;
  }
  if (view.getInt32(p, true) === 1937056300 && view.getInt32((p + 4) | 0, true) === 1682535013 && view.getInt32((p + 7) | 0, true) === 574235236) {
    p = (p + 11) | 0;
    at = (capacity + row) | 0;
    from = p;
    hash = 0;
    word = view.getInt32(p, true);
    hit = ((word - 0x23232323) | ((word ^ 0x5c5c5c5c) - 0x01010101) | word) & -2139062144;
    while (hit === 0 && p < end) {
      hash = fold(hash, word);
      p = (p + 4) | 0;
      word = view.getInt32(p, true);
      hit = ((word - 0x23232323) | ((word ^ 0x5c5c5c5c) - 0x01010101) | word) & -2139062144;
    }
    p = (p + ((31 - Math.clz32(hit & -hit)) >>> 3)) | 0;
    if (p >= end) return -1;
    if (bytes[p] === 0x22) {
      hashes[at] = foldEnd(hash, word, hit, (p - from) | 0);
      starts[at] = from;
      ends[at] = p;
      if (p === from || p - from > 256) return -1;
      p = (p + 1) | 0;
    } else {
      p = reader.oddText(3, from, p, end, at);
      if (p < 0) return -1;
    }
    seen |= 8;
    place = 4;
  }
  if (view.getInt32(p, true) === 1702044204 && view.getInt32((p + 4) | 0, true) === 1869181811 && view.getInt32((p + 8) | 0, true) === 576997742 && view.getInt32((p + 10) | 0, true) === 574235236) {
    p = (p + 14) | 0;
    at = (Math.imul(capacity, 2) + row) | 0;
    from = p;
    word = view.getInt32(p, true);
    hit = ((word - 0x23232323) | ((word ^ 0x5c5c5c5c) - 0x01010101) | word) & -2139062144;
    while (hit === 0 && p < end) {
      p = (p + 4) | 0;
      word = view.getInt32(p, true);
      hit = ((word - 0x23232323) | ((word ^ 0x5c5c5c5c) - 0x01010101) | word) & -2139062144;
    }
    p = (p + ((31 - Math.clz32(hit & -hit)) >>> 3)) | 0;
    if (p >= end) return -1;
    if (bytes[p] === 0x22) {
      starts[at] = from;
      ends[at] = p;
      if (p - from > 256) return -1;
      p = (p + 1) | 0;
    } else {
      p = reader.oddText(4, from, p, end, at);
      if (p < 0) return -1;
    }
    seen |= 16;
    place = 5;
  }
  if (view.getInt32(p, true) === 1919951404 && view.getInt32((p + 4) | 0, true) === 1668637807 && view.getInt32((p + 8) | 0, true) === 576997748 && view.getInt32((p + 10) | 0, true) === 574235236) {
    p = (p + 14) | 0;
    at = (Math.imul(capacity, 3) + row) | 0;
    from = p;
    hash = 0;
    word = view.getInt32(p, true);
    hit = ((word - 0x23232323) | ((word ^ 0x5c5c5c5c) - 0x01010101) | word) & -2139062144;
    while (hit === 0 && p < end) {
      hash = fold(hash, word);
      p = (p + 4) | 0;
      word = view.getInt32(p, true);
      hit = ((word - 0x23232323) | ((word ^ 0x5c5c5c5c) - 0x01010101) | word) & -2139062144;
    }
    p = (p + ((31 - Math.clz32(hit & -hit)) >>> 3)) | 0;
    if (p >= end) return -1;
    if (bytes[p] === 0x22) {
      hashes[at] = foldEnd(hash, word, hit, (p - from) | 0);
      starts[at] = from;
      ends[at] = p;
      if (p - from > 256) return -1;
      p = (p + 1) | 0;
    } else {
      p = reader.oddText(5, from, p, end, at);
      if (p < 0) return -1;
    }
    seen |= 32;
    place = 6;
  }
  if (view.getInt32(p, true) === 1633886764 && view.getInt32((p + 4) | 0, true) === 1869047156 && view.getInt32((p + 8) | 0, true) === 1682536818 && view.getInt32((p + 11) | 0, true) === 574235236) {
    p = (p + 15) | 0;
    at = (Math.imul(capacity, 4) + row) | 0;
    from = p;
    hash = 0;
    word = view.getInt32(p, true);
    hit = ((word - 0x23232323) | ((word ^ 0x5c5c5c5c) - 0x01010101) | word) & -2139062144;
    while (hit === 0 && p < end) {
      hash = fold(hash, word);
      p = (p + 4) | 0;
      word = view.getInt32(p, true);
      hit = ((word - 0x23232323) | ((word ^ 0x5c5c5c5c) - 0x01010101) | word) & -2139062144;
    }
    p = (p + ((31 - Math.clz32(hit & -hit)) >>> 3)) | 0;
    if (p >= end) return -1;
    if (bytes[p] === 0x22) {
      hashes[at] = foldEnd(hash, word, hit, (p - from) | 0);
      starts[at] = from;
      ends[at] = p;
      if (p - from > 256) return -1;
      p = (p + 1) | 0;
    } else {
      p = reader.oddText(6, from, p, end, at);
      if (p < 0) return -1;
    }
    seen |= 64;
    place = 7;
  }
  if (view.getInt32(p, true) === 1633886764 && view.getInt32((p + 4) | 0, true) === 1869047156 && view.getInt32((p + 8) | 0, true) === 1866692978 && view.getInt32((p + 12) | 0, true) === 975332708 && view.getInt32((p + 13) | 0, true) === 574235237) {
    p = (p + 17) | 0;
    at = (Math.imul(capacity, 5) + row) | 0;
    from = p;
    word = view.getInt32(p, true);
    hit = ((word - 0x23232323) | ((word ^ 0x5c5c5c5c) - 0x01010101) | word) & -2139062144;
    while (hit === 0 && p < end) {
      p = (p + 4) | 0;
      word = view.getInt32(p, true);
      hit = ((word - 0x23232323) | ((word ^ 0x5c5c5c5c) - 0x01010101) | word) & -2139062144;
    }
    p = (p + ((31 - Math.clz32(hit & -hit)) >>> 3)) | 0;
    if (p >= end) return -1;
    if (bytes[p] === 0x22) {
      starts[at] = from;
      ends[at] = p;
      if (p - from > 8192) return -1;
      p = (p + 1) | 0;
    } else {
      p = reader.oddText(7, from, p, end, at);
      if (p < 0) return -1;
    }
    seen |= 128;
    place = 8;
  }
  if (view.getInt32(p, true) === 1919033900 && view.getInt32((p + 4) | 0, true) === 577007201 && view.getInt32((p + 6) | 0, true) === 574235236) {
    p = (p + 10) | 0;
    at = (Math.imul(capacity, 6) + row) | 0;
    from = p;
    word = view.getInt32(p, true);
    hit = ((word - 0x23232323) | ((word ^ 0x5c5c5c5c) - 0x01010101) | word) & -2139062144;
    while (hit === 0 && p < end) {
      p = (p + 4) | 0;
      word = view.getInt32(p, true);
      hit = ((word - 0x23232323) | ((word ^ 0x5c5c5c5c) - 0x01010101) | word) & -2139062144;
    }
    p = (p + ((31 - Math.clz32(hit & -hit)) >>> 3)) | 0;
    if (p >= end) return -1;
    if (bytes[p] === 0x22) {
      starts[at] = from;
      ends[at] = p;
      if (p - from > 8192) return -1;
      p = (p + 1) | 0;
    } else {
      p = reader.oddText(8, from, p, end, at);
      if (p < 0) return -1;
    }
    seen |= 256;
    place = 9;
  }
  if (view.getInt32(p, true) === 1919951404 && view.getInt32((p + 4) | 0, true) === 1298490217 && view.getInt32((p + 8) | 0, true) === 1919905385 && view.getInt32((p + 10) | 0, true) === 975336047) {
    p = (p + 14) | 0;
    at = (capacity + row) | 0;
    p = reader.value(9, p, end, row);
    if (p < 0 || p > end) return -1;
    seen |= 512;
    place = 10;
  }
  if (view.getInt32(p, true) === 1969431084 && view.getInt32((p + 4) | 0, true) === 1852142194 && view.getInt32((p + 8) | 0, true) === 975337827 && view.getInt32((p + 9) | 0, true) === 574235257) {
    p = (p + 13) | 0;
    at = (Math.imul(capacity, 7) + row) | 0;
    from = p;
    word = view.getInt32(p, true);
    hit = ((word - 0x23232323) | ((word ^ 0x5c5c5c5c) - 0x01010101) | word) & -2139062144;
    while (hit === 0 && p < end) {
      p = (p + 4) | 0;
      word = view.getInt32(p, true);
      hit = ((word - 0x23232323) | ((word ^ 0x5c5c5c5c) - 0x01010101) | word) & -2139062144;
    }
    p = (p + ((31 - Math.clz32(hit & -hit)) >>> 3)) | 0;
    if (p >= end) return -1;
    if (bytes[p] === 0x22) {
      starts[at] = from;
      ends[at] = p;
      if (p - from > 8192) return -1;
      p = (p + 1) | 0;
    } else {
      p = reader.oddText(10, from, p, end, at);
      if (p < 0) return -1;
    }
    seen |= 1024;
    place = 11;
  }
  if (view.getInt32(p, true) === 1970348588 && view.getInt32((p + 4) | 0, true) === 1769238113 && view.getInt32((p + 8) | 0, true) === 975337844) {
    p = (p + 12) | 0;
    at = row;
    p = reader.value(11, p, end, row);
    if (p < 0 || p > end) return -1;
    seen |= 2048;
    place = 12;
  }
  if (view.getInt32(p, true) === 1919885868 && view.getInt32((p + 4) | 0, true) === 1232233828 && view.getInt32((p + 8) | 0, true) === 574235236) {
    p = (p + 12) | 0;
    at = (Math.imul(capacity, 8) + row) | 0;
    from = p;
    word = view.getInt32(p, true);
    hit = ((word - 0x23232323) | ((word ^ 0x5c5c5c5c) - 0x01010101) | word) & -2139062144;
    while (hit === 0 && p < end) {
      p = (p + 4) | 0;
      word = view.getInt32(p, true);
      hit = ((word - 0x23232323) | ((word ^ 0x5c5c5c5c) - 0x01010101) | word) & -2139062144;
    }
    p = (p + ((31 - Math.clz32(hit & -hit)) >>> 3)) | 0;
    if (p >= end) return -1;
    if (bytes[p] === 0x22) {
      starts[at] = from;
      ends[at] = p;
      if (p - from > 256) return -1;
      p = (p + 1) | 0;
    } else {
      p = reader.oddText(12, from, p, end, at);
      if (p < 0) return -1;
    }
    seen |= 4096;
    place = 13;
  }
  if (view.getInt32(p, true) === 1970348588 && view.getInt32((p + 4) | 0, true) === 578384485 && view.getInt32((p + 6) | 0, true) === 574235257) {
    p = (p + 10) | 0;
    at = (Math.imul(capacity, 9) + row) | 0;
    from = p;
    word = view.getInt32(p, true);
    hit = ((word - 0x23232323) | ((word ^ 0x5c5c5c5c) - 0x01010101) | word) & -2139062144;
    while (hit === 0 && p < end) {
      p = (p + 4) | 0;
      word = view.getInt32(p, true);
      hit = ((word - 0x23232323) | ((word ^ 0x5c5c5c5c) - 0x01010101) | word) & -2139062144;
    }
    p = (p + ((31 - Math.clz32(hit & -hit)) >>> 3)) | 0;
    if (p >= end) return -1;
    if (bytes[p] === 0x22) {
      starts[at] = from;
      ends[at] = p;
      if (p - from > 8192) return -1;
      p = (p + 1) | 0;
    } else {
      p = reader.oddText(13, from, p, end, at);
      if (p < 0) return -1;
    }
    seen |= 8192;
    place = 14;
  }
  if (view.getInt32(p, true) === 1634738732 && view.getInt32((p + 4) | 0, true) === 1918199143 && view.getInt32((p + 8) | 0, true) === 574235244) {
    p = (p + 12) | 0;
    at = (Math.imul(capacity, 10) + row) | 0;
    from = p;
    word = view.getInt32(p, true);
    hit = ((word - 0x23232323) | ((word ^ 0x5c5c5c5c) - 0x01010101) | word) & -2139062144;
    while (hit === 0 && p < end) {
      p = (p + 4) | 0;
      word = view.getInt32(p, true);
      hit = ((word - 0x23232323) | ((word ^ 0x5c5c5c5c) - 0x01010101) | word) & -2139062144;
    }
    p = (p + ((31 - Math.clz32(hit & -hit)) >>> 3)) | 0;
    if (p >= end) return -1;
    if (bytes[p] === 0x22) {
      starts[at] = from;
      ends[at] = p;
      if (p - from > 8192) return -1;
      p = (p + 1) | 0;
    } else {
      p = reader.oddText(14, from, p, end, at);
      if (p < 0) return -1;
    }
    seen |= 16384;
    place = 15;
  }
  if (view.getInt32(p, true) === 1701978668 && view.getInt32((p + 4) | 0, true) === 1920099686 && view.getInt32((p + 8) | 0, true) === 975336037 && view.getInt32((p + 9) | 0, true) === 574235250) {
    p = (p + 13) | 0;
    at = (Math.imul(capacity, 11) + row) | 0;
    from = p;
    word = view.getInt32(p, true);
    hit = ((word - 0x23232323) | ((word ^ 0x5c5c5c5c) - 0x01010101) | word) & -2139062144;
    while (hit === 0 && p < end) {
      p = (p + 4) | 0;
      word = view.getInt32(p, true);
      hit = ((word - 0x23232323) | ((word ^ 0x5c5c5c5c) - 0x01010101) | word) & -2139062144;
    }
    p = (p + ((31 - Math.clz32(hit & -hit)) >>> 3)) | 0;
    if (p >= end) return -1;
    if (bytes[p] === 0x22) {
      starts[at] = from;
      ends[at] = p;
      if (p - from > 8192) return -1;
      p = (p + 1) | 0;
    } else {
      p = reader.oddText(15, from, p, end, at);
      if (p < 0) return -1;
    }
    seen |= 32768;
    place = 16;
  }
  if (view.getInt32(p, true) === 1701061164 && view.getInt32((p + 4) | 0, true) === 1701013878 && view.getInt32((p + 7) | 0, true) === 574235237) {
    p = (p + 11) | 0;
    at = (Math.imul(capacity, 12) + row) | 0;
    from = p;
    word = view.getInt32(p, true);
    hit = ((word - 0x23232323) | ((word ^ 0x5c5c5c5c) - 0x01010101) | word) & -2139062144;
    while (hit === 0 && p < end) {
      p = (p + 4) | 0;
      word = view.getInt32(p, true);
      hit = ((word - 0x23232323) | ((word ^ 0x5c5c5c5c) - 0x01010101) | word) & -2139062144;
    }
    p = (p + ((31 - Math.clz32(hit & -hit)) >>> 3)) | 0;
    if (p >= end) return -1;
    if (bytes[p] === 0x22) {
      starts[at] = from;
      ends[at] = p;
      if (p - from > 8192) return -1;
      p = (p + 1) | 0;
    } else {
      p = reader.oddText(16, from, p, end, at);
      if (p < 0) return -1;
    }
    seen |= 65536;
    place = 17;
  }
  if (view.getInt32(p, true) === 1868767788 && view.getInt32((p + 4) | 0, true) === 1920233077 && view.getInt32((p + 8) | 0, true) === 574235257) {
    p = (p + 12) | 0;
    at = (Math.imul(capacity, 13) + row) | 0;
    from = p;
    word = view.getInt32(p, true);
    hit = ((word - 0x23232323) | ((word ^ 0x5c5c5c5c) - 0x01010101) | word) & -2139062144;
    while (hit === 0 && p < end) {
      p = (p + 4) | 0;
      word = view.getInt32(p, true);
      hit = ((word - 0x23232323) | ((word ^ 0x5c5c5c5c) - 0x01010101) | word) & -2139062144;
    }
    p = (p + ((31 - Math.clz32(hit & -hit)) >>> 3)) | 0;
    if (p >= end) return -1;
    if (bytes[p] === 0x22) {
      starts[at] = from;
      ends[at] = p;
      if (p - from > 8192) return -1;
      p = (p + 1) | 0;
    } else {
      p = reader.oddText(17, from, p, end, at);
      if (p < 0) return -1;
    }
    seen |= 131072;
    place = 18;
  }
  reader.seen = seen;
  reader.place = place;
  return p;
}
