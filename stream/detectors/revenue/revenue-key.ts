import { utf8Decoder } from "../../../schema/index.ts";

interface Bytes {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/** Most bytes of a category and a currency together; contracts bound both below it. */
const KEY_BYTES_MAX = 16_384;
const key = { bytes: new Uint8Array(KEY_BYTES_MAX + 2), length: 0 };

/** The key of a category and currency, valid until the next call: u16 length of the category, category, currency. */
export function revenueKey(
  category: Bytes,
  currency: Bytes,
): { readonly bytes: Uint8Array; readonly length: number } {
  const length = category.end - category.start;
  const { bytes } = key;
  bytes[0] = length & 255;
  bytes[1] = length >>> 8;
  let at = 2;
  for (let i = category.start; i < category.end; i++) bytes[at++] = category.bytes[i];
  for (let i = currency.start; i < currency.end; i++) bytes[at++] = currency.bytes[i];
  key.length = at;
  return key;
}

export function splitRevenueKey(key: Uint8Array): { readonly categoryId: string; readonly currency: string } {
  const end = 2 + (key[0] | (key[1] << 8));
  return {
    categoryId: utf8Decoder.decode(key.subarray(2, end)),
    currency: utf8Decoder.decode(key.subarray(end)),
  };
}
