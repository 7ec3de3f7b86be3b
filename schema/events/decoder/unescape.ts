import { BACKSLASH, hex4 } from "./json-scan.ts";

/** By letter after the backslash: the byte it stands for. */
const SIMPLE = new Uint8Array(128);
for (const [letter, byte] of [
  ['"', 0x22],
  ["\\", 0x5c],
  ["/", 0x2f],
  ["b", 0x08],
  ["f", 0x0c],
  ["n", 0x0a],
  ["r", 0x0d],
  ["t", 0x09],
] as const) {
  SIMPLE[letter.charCodeAt(0)] = byte;
}
const LETTER_U = 0x75;
const REPLACEMENT = 0xfffd;

/**
 * Writes the text of a validated string body with its escapes resolved to `target` at `to`, at
 * most `end - start` bytes, and returns the position behind it. A lone surrogate becomes U+FFFD.
 */
export function writeUnescaped(
  bytes: Uint8Array,
  range: { readonly start: number; readonly end: number },
  target: Uint8Array,
  to: number,
): number {
  let p = range.start;
  let out = to;
  while (p < range.end) {
    const c = bytes[p++];
    if (c !== BACKSLASH) {
      target[out++] = c;
      continue;
    }
    const letter = bytes[p++];
    if (letter !== LETTER_U) {
      target[out++] = SIMPLE[letter];
      continue;
    }
    const unit = hex4(bytes, p);
    p += 4;
    const low =
      (unit & 0xfc00) === 0xd800 && bytes[p] === BACKSLASH && bytes[p + 1] === LETTER_U
        ? hex4(bytes, p + 2)
        : -1;
    if ((low & 0xfc00) === 0xdc00 && low >= 0) {
      p += 6;
      out = writeUtf8(target, out, 0x10000 + ((unit & 0x3ff) << 10) + (low & 0x3ff));
    } else {
      out = writeUtf8(target, out, (unit & 0xf800) === 0xd800 ? REPLACEMENT : unit);
    }
  }
  return out;
}

function writeUtf8(target: Uint8Array, at: number, code: number): number {
  let out = at;
  if (code < 0x80) {
    target[out++] = code;
  } else if (code < 0x800) {
    target[out++] = 0xc0 | (code >> 6);
    target[out++] = 0x80 | (code & 0x3f);
  } else if (code < 0x10000) {
    target[out++] = 0xe0 | (code >> 12);
    target[out++] = 0x80 | ((code >> 6) & 0x3f);
    target[out++] = 0x80 | (code & 0x3f);
  } else {
    target[out++] = 0xf0 | (code >> 18);
    target[out++] = 0x80 | ((code >> 12) & 0x3f);
    target[out++] = 0x80 | ((code >> 6) & 0x3f);
    target[out++] = 0x80 | (code & 0x3f);
  }
  return out;
}
