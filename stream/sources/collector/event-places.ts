import { MillraceError, skipSpace } from "../../../schema/index.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const NEWLINE = 0x0a;
const RETURN = 0x0d;

/** Events that may come together: they are looked at one by one. */
export const EVENTS_TOGETHER_MAX = 10_000;

/** Where events lie in a text: event i is `bytes[starts[i], ends[i])`. */
export interface EventPlaces {
  readonly starts: readonly number[];
  readonly ends: readonly number[];
}

/**
 * One event a line; empty lines, the CR of CR LF and a leading byte order mark are no part of any.
 *
 * @throws MillraceError `too-many-events` (user)
 */
export function placesOfLines(bytes: Buffer): EventPlaces {
  const places = new Places();
  for (let at = textStart(bytes); at < bytes.length; ) {
    const newline = bytes.indexOf(NEWLINE, at);
    const next = newline < 0 ? bytes.length : newline;
    const end = next > at && bytes[next - 1] === RETURN ? next - 1 : next;
    if (end > at) places.add(at, end);
    at = next + 1;
  }
  return places;
}

/**
 * The elements of a JSON array, or the one value that the text is. Looks at strings, brackets and commas
 * alone: whether an element is JSON is for its reader to say, so that a bad one costs no other.
 *
 * @throws MillraceError `invalid-json` (user) where the array does not end, or something follows it; `too-many-events` (user)
 */
export function placesOfJson(bytes: Buffer): EventPlaces {
  const end = bytes.length;
  const first = skipSpace(bytes, textStart(bytes), end);
  const places = new Places();
  if (first === end) return places;
  if (bytes[first] !== OPEN_BRACKET) {
    places.add(first, end);
    return places;
  }
  let start = first + 1;
  let depth = 0;
  let at = first;
  for (; at < end; at++) {
    const c = bytes[at];
    if (c === QUOTE) at = stringEnd(bytes, at);
    else if (c === OPEN_BRACKET || c === OPEN_BRACE) depth++;
    else if (c === CLOSE_BRACKET || c === CLOSE_BRACE) {
      if (--depth === 0) break;
    } else if (c === COMMA && depth === 1) {
      places.add(start, at);
      start = at + 1;
    }
  }
  if (at >= end) throw invalid("the array of events does not end: was the body cut off?");
  if (skipSpace(bytes, at + 1, end) < end)
    throw invalid(`behind the array of events, at byte ${at + 1}, there is more: send one array`);
  if (places.starts.length > 0 || skipSpace(bytes, start, end) < at) places.add(start, at);
  return places;
}

class Places implements EventPlaces {
  readonly starts: number[] = [];
  readonly ends: number[] = [];

  add(start: number, end: number): void {
    if (this.starts.length === EVENTS_TOGETHER_MAX) {
      const most = EVENTS_TOGETHER_MAX.toLocaleString("en");
      throw new MillraceError(`these are more than ${most} events: send fewer at a time`, {
        code: "too-many-events",
        origin: "user",
      });
    }
    this.starts.push(start);
    this.ends.push(end);
  }
}

function textStart(bytes: Buffer): number {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
}

/** The closing quote of the string that begins there, or the end of the bytes. */
function stringEnd(bytes: Buffer, quote: number): number {
  let at = quote + 1;
  while (at < bytes.length && bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1;
  return at;
}

function invalid(message: string): MillraceError {
  return new MillraceError(message, { code: "invalid-json", origin: "user" });
}
