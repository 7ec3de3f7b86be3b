import { PAGE_ELEMENTS, PAGE_SHIFT, type SlotArray } from "../../schema/index.ts";

/** Words above which a view of them and `set` are cheaper than copying one by one. */
const LOOP_WORDS_MAX = 64;

/**
 * Where bytes of spans lie: one span behind the other in a part of an image, from `at` on. By words where the part and
 * `at` lie at a word's bounds, which is several times cheaper for spans of a page.
 */
export interface SpanPlace {
  readonly part: Uint8Array;
  readonly at: number;
}

/**
 * Takes marked pages of an array, from the given one on and of about so many bytes at most, and takes their marks away:
 * adds pairs of a first element and the number of elements to `spans`. Returns the page behind the last, or behind the
 * array's end.
 */
export function takeSpans(array: SlotArray, page: number, bytesMax: number, spans: number[]): number {
  const { dirty, length } = array;
  const end = Math.ceil(length / PAGE_ELEMENTS);
  let left = Math.ceil(bytesMax / (PAGE_ELEMENTS * array.values.BYTES_PER_ELEMENT));
  for (let first = dirty.indexOf(1, page); first >= 0 && first < end; first = dirty.indexOf(1, first)) {
    let next = first;
    for (; next < end && left > 0 && dirty[next] === 1; next++, left--) dirty[next] = 0;
    const from = first << PAGE_SHIFT;
    spans.push(from, Math.min(next << PAGE_SHIFT, length) - from);
    if (left === 0) return next;
    first = next;
  }
  return end;
}

/** Copies the spans of an array to a part; returns where their bytes end. */
export function gatherSpans(array: SlotArray, spans: Int32Array, { part, at: from }: SpanPlace): number {
  const [values, packed] = [wordsAndBytes(bytesOf(array.values)), wordsAndBytes(part)];
  const { BYTES_PER_ELEMENT: size } = array.values;
  let at = from;
  for (let i = 0; i < spans.length; i += 2)
    at = copy(values, spans[i] * size, packed, at, spans[i + 1] * size);
  return at;
}

/** Copies the spans of an array, which has room for them, from a part; returns where their bytes end. */
export function scatterSpans(array: SlotArray, spans: Int32Array, { part, at: from }: SpanPlace): number {
  const [values, packed] = [wordsAndBytes(bytesOf(array.values)), wordsAndBytes(part)];
  const { BYTES_PER_ELEMENT: size } = array.values;
  let at = from;
  for (let i = 0; i < spans.length; i += 2) {
    const length = spans[i + 1] * size;
    copy(packed, at, values, spans[i] * size, length);
    at += length;
  }
  return at;
}

interface WordsAndBytes {
  /** The same memory in words; empty where it does not begin at a word's bounds. */
  readonly words: Int32Array;
  readonly bytes: Uint8Array;
}

/** Copies so many bytes; returns where they end in `to`. */
function copy(from: WordsAndBytes, at: number, to: WordsAndBytes, toAt: number, length: number): number {
  const isOfWords = ((at | toAt | length) & 3) === 0 && length <= LOOP_WORDS_MAX * 4;
  if (isOfWords && from.words.length > 0 && to.words.length > 0)
    copyWords(from.words, at >>> 2, to.words, toAt >>> 2, length >>> 2);
  else to.bytes.set(from.bytes.subarray(at, at + length), toAt);
  return toAt + length;
}

function copyWords(from: Int32Array, at: number, to: Int32Array, toAt: number, count: number): void {
  for (let i = 0; i < count; i++) to[toAt + i] = from[at + i];
}

function wordsAndBytes(bytes: Uint8Array): WordsAndBytes {
  const { buffer, byteOffset, byteLength } = bytes;
  const words =
    byteOffset % 4 === 0 ? new Int32Array(buffer, byteOffset, byteLength >>> 2) : new Int32Array(0);
  return { words, bytes };
}

/** The bytes of typed arrays as they lie. */
export function bytesOf(values: Float64Array | Int32Array | Uint8Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
