// Written by schema/events/generate.ts from the .avsc files: do not edit.
import type { JsonReader } from "../decoder/json-reader.ts";

/** Reads the usual layout; see {@link UsualReader}. */
export function readUsualPayment(reader: JsonReader, start: number, end: number, row: number): number {
  const { view, bytes, starts, ends, uint8, capacity } = reader;
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
  if (view.getInt32(p, true) === 1634738732 && view.getInt32((p + 4) | 0, true) === 1852140921 && view.getInt32((p + 8) | 0, true) === 576997748 && view.getInt32((p + 10) | 0, true) === 574235236) {
    p = (p + 14) | 0;
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
  if (view.getInt32(p, true) === 1919885868 && view.getInt32((p + 4) | 0, true) === 1232233828 && view.getInt32((p + 8) | 0, true) === 574235236) {
    p = (p + 12) | 0;
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
      p = reader.oddText(2, from, p, end, at);
      if (p < 0) return -1;
    }
    seen |= 4;
    place = 3;
  }
  if (view.getInt32(p, true) === 1937056300 && view.getInt32((p + 4) | 0, true) === 1682535013 && view.getInt32((p + 7) | 0, true) === 574235236) {
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
      if (p === from || p - from > 256) return -1;
      p = (p + 1) | 0;
    } else {
      p = reader.oddText(3, from, p, end, at);
      if (p < 0) return -1;
    }
    seen |= 8;
    place = 4;
  }
  if (view.getInt32(p, true) === 1634738732 && view.getInt32((p + 4) | 0, true) === 1852140921 && view.getInt32((p + 8) | 0, true) === 1835619444 && view.getInt32((p + 11) | 0, true) === 975332717) {
    p = (p + 15) | 0;
    at = row;
    p = reader.value(4, p, end, row);
    if (p < 0 || p > end) return -1;
    seen |= 16;
    place = 5;
  }
  if (view.getInt32(p, true) === 1953702444 && view.getInt32((p + 4) | 0, true) === 1937077345 && view.getInt32((p + 7) | 0, true) === 574235251) {
    p = (p + 11) | 0;
    at = row;
    if (view.getInt32(p, true) === 1752462689 && view.getInt32((p + 4) | 0, true) === 2053730927 && view.getInt32((p + 7) | 0, true) === 577004922) {
      uint8[at] = 0;
      p = (p + 11) | 0;
    } else if (view.getInt32(p, true) === 1953522019 && view.getInt32((p + 4) | 0, true) === 1684370037 && view.getInt32((p + 5) | 0, true) === 577004914) {
      uint8[at] = 1;
      p = (p + 9) | 0;
    } else if (view.getInt32(p, true) === 1818845542 && view.getInt32((p + 3) | 0, true) === 577004908) {
      uint8[at] = 2;
      p = (p + 7) | 0;
    } else if (view.getInt32(p, true) === 1969644914 && view.getInt32((p + 4) | 0, true) === 1684366446 && view.getInt32((p + 5) | 0, true) === 577004900) {
      uint8[at] = 3;
      p = (p + 9) | 0;
    } else {
      return -1;
    }
    seen |= 32;
    place = 6;
  }
  if (view.getInt32(p, true) === 1835082284 && view.getInt32((p + 4) | 0, true) === 1953396079 && view.getInt32((p + 8) | 0, true) === 1869506893 && view.getInt32((p + 11) | 0, true) === 975336047) {
    p = (p + 15) | 0;
    at = (capacity + row) | 0;
    p = reader.value(6, p, end, row);
    if (p < 0 || p > end) return -1;
    seen |= 64;
    place = 7;
  }
  if (view.getInt32(p, true) === 1969431084 && view.getInt32((p + 4) | 0, true) === 1852142194 && view.getInt32((p + 8) | 0, true) === 975337827 && view.getInt32((p + 9) | 0, true) === 574235257) {
    p = (p + 13) | 0;
    at = (Math.imul(capacity, 4) + row) | 0;
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
      if (p === from || p - from > 8192) return -1;
      p = (p + 1) | 0;
    } else {
      p = reader.oddText(7, from, p, end, at);
      if (p < 0) return -1;
    }
    seen |= 128;
    place = 8;
  }
  if (view.getInt32(p, true) === 1701650988 && view.getInt32((p + 4) | 0, true) === 1685022836 && view.getInt32((p + 7) | 0, true) === 574235236) {
    p = (p + 11) | 0;
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
      p = reader.oddText(8, from, p, end, at);
      if (p < 0) return -1;
    }
    seen |= 256;
    place = 9;
  }
  if (view.getInt32(p, true) === 1633886764 && view.getInt32((p + 4) | 0, true) === 1766220914 && view.getInt32((p + 8) | 0, true) === 1919248238 && view.getInt32((p + 12) | 0, true) === 1852404336 && view.getInt32((p + 16) | 0, true) === 574235252) {
    p = (p + 20) | 0;
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
      if (p - from > 256) return -1;
      p = (p + 1) | 0;
    } else {
      p = reader.oddText(9, from, p, end, at);
      if (p < 0) return -1;
    }
    seen |= 512;
    place = 10;
  }
  if (view.getInt32(p, true) === 1633886764 && view.getInt32((p + 4) | 0, true) === 1866687602 && view.getInt32((p + 8) | 0, true) === 1920233077 && view.getInt32((p + 12) | 0, true) === 574235257) {
    p = (p + 16) | 0;
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
  if (view.getInt32(p, true) === 1634083372 && view.getInt32((p + 4) | 0, true) === 1920298089 && view.getInt32((p + 8) | 0, true) === 1634030181 && view.getInt32((p + 12) | 0, true) === 577662835 && view.getInt32((p + 14) | 0, true) === 574235246) {
    p = (p + 18) | 0;
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
      if (p - from > 8192) return -1;
      p = (p + 1) | 0;
    } else {
      p = reader.oddText(11, from, p, end, at);
      if (p < 0) return -1;
    }
    seen |= 2048;
    place = 12;
  }
  reader.seen = seen;
  reader.place = place;
  return p;
}
