// Written by schema/events/generate.ts from the .avsc files: do not edit.
import type { JsonReader } from "../decoder/json-reader.ts";

/** Reads the usual layout; see {@link UsualReader}. */
export function readUsualRuleChange(reader: JsonReader, start: number, end: number, row: number): number {
  const { view, bytes, starts, ends, capacity } = reader;
  let p = start;
  let from = 0;
  let word = 0;
  let hit = 0;
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
  if (view.getInt32(p, true) === 1970414124 && view.getInt32((p + 4) | 0, true) === 1682531692 && view.getInt32((p + 7) | 0, true) === 574235236) {
    p = (p + 11) | 0;
    at = (capacity + row) | 0;
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
      p = reader.oddText(1, from, p, end, at);
      if (p < 0) return -1;
    }
    seen |= 2;
    place = 2;
  }
  if (view.getInt32(p, true) === 1751327276 && view.getInt32((p + 4) | 0, true) === 1701277281 && view.getInt32((p + 8) | 0, true) === 1701669204 && view.getInt32((p + 10) | 0, true) === 975332717) {
    p = (p + 14) | 0;
    at = row;
    p = reader.value(2, p, end, row);
    if (p < 0 || p > end) return -1;
    seen |= 4;
    place = 3;
  }
  if (view.getInt32(p, true) === 1717903916 && view.getInt32((p + 4) | 0, true) === 1952671078 && view.getInt32((p + 8) | 0, true) === 1415935593 && view.getInt32((p + 12) | 0, true) === 577072489 && view.getInt32((p + 13) | 0, true) === 975332717) {
    p = (p + 17) | 0;
    at = (capacity + row) | 0;
    p = reader.value(3, p, end, row);
    if (p < 0 || p > end) return -1;
    seen |= 8;
    place = 4;
  }
  if (view.getInt32(p, true) === 1751327276 && view.getInt32((p + 4) | 0, true) === 1701277281 && view.getInt32((p + 8) | 0, true) === 578372196 && view.getInt32((p + 10) | 0, true) === 574235257) {
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
      if (p === from || p - from > 256) return -1;
      p = (p + 1) | 0;
    } else {
      p = reader.oddText(4, from, p, end, at);
      if (p < 0) return -1;
    }
    seen |= 16;
    place = 5;
  }
  if (view.getInt32(p, true) === 1701978668 && view.getInt32((p + 4) | 0, true) === 1852797793 && view.getInt32((p + 7) | 0, true) === 574235246) {
    p = (p + 11) | 0;
    at = (Math.imul(capacity, 3) + row) | 0;
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
      p = reader.oddText(5, from, p, end, at);
      if (p < 0) return -1;
    }
    seen |= 32;
    place = 6;
  }
  if (view.getInt32(p, true) === 1970414124 && view.getInt32((p + 4) | 0, true) === 975332716) {
    p = (p + 8) | 0;
    at = (Math.imul(capacity, 4) + row) | 0;
    p = reader.value(6, p, end, row);
    if (p < 0 || p > end) return -1;
    seen |= 64;
    place = 7;
  }
  reader.seen = seen;
  reader.place = place;
  return p;
}
