/**
 * Scanners over JSON bytes. They accept only what JSON.parse accepts (RFC 8259), and answer -1
 * where they are not sure: the caller then lets JSON.parse decide. Positions at or behind `end`
 * mean that the value runs out of the record.
 */

export const QUOTE = 0x22;
export const BACKSLASH = 0x5c;
export const OPEN_BRACE = 0x7b;
export const CLOSE_BRACE = 0x7d;
export const COMMA = 0x2c;
export const COLON = 0x3a;
export const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const MINUS = 0x2d;
const HIGH_BITS = 0x80808080 | 0;
/** `null`, `true`, `fals` as little-endian words. */
export const WORD_NULL = 0x6c6c756e;
export const WORD_TRUE = 0x65757274;
export const WORD_FALS = 0x736c6166;
/** Nesting beyond this is left to JSON.parse. */
const DEPTH_MAX = 64;

export function skipSpace(bytes: Uint8Array, from: number, end: number): number {
  let p = from;
  while (p < end) {
    const c = bytes[p];
    if (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09) break;
    p++;
  }
  return p;
}

/**
 * The first byte of a string body that is not plain: a quote, a backslash, a control character or
 * not ASCII. Four bytes at a time.
 */
export function plainEnd(view: DataView, from: number, end: number): number {
  let p = from;
  while (p < end) {
    const hit = marks(view.getInt32(p, true));
    if (hit === 0) {
      p += 4;
      continue;
    }
    p += markIndex(hit);
    const c = view.getUint8(p);
    if (c !== 0x20 && c !== 0x21) return p;
    p++;
  }
  return p;
}

/**
 * High bit of every byte of the word that is below 0x23, a backslash or not ASCII; so of a blank
 * and a `!` too, which the caller goes on over. The lowest mark is exact; those above it may come
 * from its borrow (Warren, Hacker's Delight, 6-1).
 */
export function marks(word: number): number {
  return ((word - 0x23232323) | ((word ^ 0x5c5c5c5c) - 0x01010101) | word) & HIGH_BITS;
}

/** Position (0 to 3) of the lowest marked byte. */
export function markIndex(hit: number): number {
  return (31 - Math.clz32(hit & -hit)) >>> 3;
}

/**
 * The closing quote of a string body that may hold escapes and UTF-8, validated; -1 where it is
 * not well-formed.
 */
export function stringEnd(bytes: Uint8Array, from: number, end: number): number {
  let p = from;
  while (p < end) {
    const c = bytes[p];
    if (c === QUOTE) return p;
    if (c < 0x20) return -1;
    if (c === BACKSLASH) {
      p = escapeEnd(bytes, p + 1);
    } else if (c < 0x80) {
      p++;
      continue;
    } else {
      p = utf8End(bytes, p);
    }
    if (p < 0) return -1;
  }
  return -1;
}

function escapeEnd(bytes: Uint8Array, p: number): number {
  switch (bytes[p]) {
    case 0x22:
    case 0x5c:
    case 0x2f:
    case 0x62:
    case 0x66:
    case 0x6e:
    case 0x72:
    case 0x74:
      return p + 1;
    case 0x75:
      return hex4(bytes, p + 1) < 0 ? -1 : p + 5;
    default:
      return -1;
  }
}

/** Value of four hexadecimal digits, or -1. */
export function hex4(bytes: Uint8Array, p: number): number {
  let value = 0;
  for (let i = p; i < p + 4; i++) {
    const c = bytes[i];
    const letter = c | 0x20;
    if (c >= 0x30 && c <= 0x39) value = value * 16 + c - 0x30;
    else if (letter >= 0x61 && letter <= 0x66) value = value * 16 + letter - 0x57;
    else return -1;
  }
  return value;
}

/** End of the multi-byte UTF-8 sequence at p (Unicode 16, table 3-7), or -1. */
export function utf8End(bytes: Uint8Array, p: number): number {
  const lead = bytes[p];
  const second = bytes[p + 1];
  if (lead < 0xc2 || lead > 0xf4) return -1;
  if (lead < 0xe0) return isContinuation(second) ? p + 2 : -1;
  if (!isContinuation(second) || !isContinuation(bytes[p + 2])) return -1;
  if (lead < 0xf0) {
    if (lead === 0xe0 && second < 0xa0) return -1;
    return lead === 0xed && second > 0x9f ? -1 : p + 3;
  }
  if (lead === 0xf0 && second < 0x90) return -1;
  if (lead === 0xf4 && second > 0x8f) return -1;
  return isContinuation(bytes[p + 3]) ? p + 4 : -1;
}

function isContinuation(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}

/** Whether `bytes[start, end)` is well-formed UTF-8. */
export function isUtf8(bytes: Uint8Array, start: number, end: number): boolean {
  let p = start;
  while (p < end) {
    if (bytes[p] < 0x80) {
      p++;
      continue;
    }
    p = utf8End(bytes, p);
    if (p < 0) return false;
  }
  return p === end;
}

/** End of the number at p, or -1; only its grammar is looked at. */
export function numberEnd(bytes: Uint8Array, from: number): number {
  let p = from;
  if (bytes[p] === MINUS) p++;
  if (bytes[p] === 0x30) p++;
  else if (!isDigit(bytes[p])) return -1;
  else p = digitsEnd(bytes, p);
  if (bytes[p] === 0x2e) {
    if (!isDigit(bytes[p + 1])) return -1;
    p = digitsEnd(bytes, p + 1);
  }
  if ((bytes[p] | 0x20) === 0x65) {
    p++;
    if (bytes[p] === 0x2b || bytes[p] === MINUS) p++;
    if (!isDigit(bytes[p])) return -1;
    p = digitsEnd(bytes, p);
  }
  return p;
}

function isDigit(c: number): boolean {
  return c >= 0x30 && c <= 0x39;
}

function digitsEnd(bytes: Uint8Array, from: number): number {
  let p = from;
  while (isDigit(bytes[p])) p++;
  return p;
}

/** End of the string, number or literal at p, or -1. */
function scalarEnd(bytes: Uint8Array, view: DataView, p: number, end: number): number {
  const c = bytes[p];
  if (c === QUOTE) {
    let q = plainEnd(view, p + 1, end);
    if (q >= end) return -1;
    if (bytes[q] !== QUOTE) q = stringEnd(bytes, q, end);
    return q < 0 ? -1 : q + 1;
  }
  if (c === MINUS || isDigit(c)) return numberEnd(bytes, p);
  const word = view.getInt32(p, true);
  if (word === WORD_NULL || word === WORD_TRUE) return p + 4;
  return word === WORD_FALS && bytes[p + 4] === 0x65 ? p + 5 : -1;
}

/**
 * End of the value at p, nested ones with all their members validated; -1 where it is malformed,
 * runs out of the record or is nested deeper than {@link DEPTH_MAX}.
 */
export function valueEnd(bytes: Uint8Array, view: DataView, from: number, end: number): number {
  let p = from;
  let depth = 0;
  // Bit stacks of two words: 1 = object, 0 = array.
  let low = 0;
  let high = 0;
  for (;;) {
    if (p >= end) return -1;
    const c = bytes[p];
    if (c === OPEN_BRACE || c === OPEN_BRACKET) {
      if (depth === DEPTH_MAX) return -1;
      high = (high << 1) | (low >>> 31);
      low = (low << 1) | (c === OPEN_BRACE ? 1 : 0);
      depth++;
      p = skipSpace(bytes, p + 1, end);
      if (bytes[p] !== (c === OPEN_BRACE ? CLOSE_BRACE : CLOSE_BRACKET)) {
        if (c === OPEN_BRACE) p = keyEnd(bytes, view, p, end);
        if (p < 0) return -1;
        continue;
      }
    } else {
      p = scalarEnd(bytes, view, p, end);
      if (p < 0 || p > end) return -1;
      if (depth === 0) return p;
      p = skipSpace(bytes, p, end);
    }
    // After a value: close what ends here, then go on behind the comma.
    while (p < end && bytes[p] === ((low & 1) === 1 ? CLOSE_BRACE : CLOSE_BRACKET)) {
      p++;
      low = (low >>> 1) | (high << 31);
      high >>>= 1;
      if (--depth === 0) return p;
      p = skipSpace(bytes, p, end);
    }
    if (p >= end || bytes[p] !== COMMA) return -1;
    p = skipSpace(bytes, p + 1, end);
    if ((low & 1) === 1) p = keyEnd(bytes, view, p, end);
    if (p < 0) return -1;
  }
}

/** From a member's opening quote to the first byte of its value, or -1. */
function keyEnd(bytes: Uint8Array, view: DataView, from: number, end: number): number {
  if (bytes[from] !== QUOTE) return -1;
  const key = scalarEnd(bytes, view, from, end);
  if (key < 0) return -1;
  const colon = skipSpace(bytes, key, end);
  return bytes[colon] === COLON ? skipSpace(bytes, colon + 1, end) : -1;
}
