import { hashBytes, type KeyColumn, type TextColumn } from "../../../schema/index.ts";

/** Stands for a missing value: no text has this key. */
export const NO_KEY = 0;

/**
 * 53 bits of hash that stand for a text in state whose size is bounded: ids of a dictionary differ from
 * task to task and never go away. Among a million keys two are taken for one with probability 0.00006.
 */
export function bytesKey(bytes: Uint8Array, start: number, end: number): number {
  const high = hashBytes(bytes, start, end, 0x51ed) >>> 11;
  const key = high * 0x1_0000_0000 + (hashBytes(bytes, start, end, 0x27d4) >>> 0);
  return key === NO_KEY ? 1 : key;
}

/** {@link NO_KEY} of an empty text as well: many producers send that for what they do not know. */
export function textKey(column: TextColumn, row: number): number {
  const start = column.start[row];
  if (column.empty === true || start < 0 || column.end[row] === start) return NO_KEY;
  return bytesKey(column.bytes, start, column.end[row]);
}

export function idKey({ ids, dictionary }: KeyColumn, row: number): number {
  const id = ids[row];
  return id < 0 ? NO_KEY : bytesKey(dictionary.heap, dictionary.start(id), dictionary.ends[id]);
}

const utf8 = new TextEncoder();

export function stringKey(text: string): number {
  const bytes = utf8.encode(text);
  return bytesKey(bytes, 0, bytes.length);
}

/** 32 bits of a key, for rings of partners; never 0, which stands for none. */
export function shortKey(key: number): number {
  return key === NO_KEY ? 0 : (key % 0xffff_ffff) | 0 || 1;
}
