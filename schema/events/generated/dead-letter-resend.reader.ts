// Written by schema/events/generate.ts from the .avsc files: do not edit.
import type { JsonReader } from "../decoder/json-reader.ts";

/** Reads the usual layout; see {@link UsualReader}. */
export function readUsualDeadLetterResend(reader: JsonReader, start: number, end: number, row: number): number {
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
      if (p === from || p - from > 512) return -1;
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
  if (view.getInt32(p, true) === 1701585452 && view.getInt32((p + 4) | 0, true) === 1919251572 && view.getInt32((p + 8) | 0, true) === 1768976212 && view.getInt32((p + 12) | 0, true) === 574235235) {
    p = (p + 16) | 0;
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
  if (view.getInt32(p, true) === 1701585452 && view.getInt32((p + 4) | 0, true) === 1919251572 && view.getInt32((p + 8) | 0, true) === 1953653072 && view.getInt32((p + 12) | 0, true) === 1869182057 && view.getInt32((p + 15) | 0, true) === 975335023) {
    p = (p + 19) | 0;
    at = row;
    p = reader.value(2, p, end, row);
    if (p < 0 || p > end) return -1;
    seen |= 4;
    place = 3;
  }
  if (view.getInt32(p, true) === 1701585452 && view.getInt32((p + 4) | 0, true) === 1919251572 && view.getInt32((p + 8) | 0, true) === 1936090703 && view.getInt32((p + 12) | 0, true) === 975336549) {
    p = (p + 16) | 0;
    at = row;
    p = reader.value(3, p, end, row);
    if (p < 0 || p > end) return -1;
    seen |= 8;
    place = 4;
  }
  if (view.getInt32(p, true) === 1701585452 && view.getInt32((p + 4) | 0, true) === 1919251572 && view.getInt32((p + 8) | 0, true) === 1701669204 && view.getInt32((p + 10) | 0, true) === 975332717) {
    p = (p + 14) | 0;
    at = (capacity + row) | 0;
    p = reader.value(4, p, end, row);
    if (p < 0 || p > end) return -1;
    seen |= 16;
    place = 5;
  }
  if (view.getInt32(p, true) === 1701585452 && view.getInt32((p + 4) | 0, true) === 1919251572 && view.getInt32((p + 8) | 0, true) === 1935762770 && view.getInt32((p + 12) | 0, true) === 975335023 && view.getInt32((p + 13) | 0, true) === 574235246) {
    p = (p + 17) | 0;
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
      p = reader.oddText(5, from, p, end, at);
      if (p < 0) return -1;
    }
    seen |= 32;
    place = 6;
  }
  if (view.getInt32(p, true) === 1701978668 && view.getInt32((p + 4) | 0, true) === 1953391987 && view.getInt32((p + 8) | 0, true) === 1701669204 && view.getInt32((p + 10) | 0, true) === 975332717) {
    p = (p + 14) | 0;
    at = (Math.imul(capacity, 2) + row) | 0;
    p = reader.value(6, p, end, row);
    if (p < 0 || p > end) return -1;
    seen |= 64;
    place = 7;
  }
  if (view.getInt32(p, true) === 1701978668 && view.getInt32((p + 4) | 0, true) === 1953391987 && view.getInt32((p + 8) | 0, true) === 975337794 && view.getInt32((p + 9) | 0, true) === 574235257) {
    p = (p + 13) | 0;
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
      p = reader.oddText(7, from, p, end, at);
      if (p < 0) return -1;
    }
    seen |= 128;
    place = 8;
  }
  if (view.getInt32(p, true) === 1869488684 && view.getInt32((p + 4) | 0, true) === 975332724 && view.getInt32((p + 5) | 0, true) === 574235237) {
    p = (p + 9) | 0;
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
      if (p - from > 8192) return -1;
      p = (p + 1) | 0;
    } else {
      p = reader.oddText(8, from, p, end, at);
      if (p < 0) return -1;
    }
    seen |= 256;
    place = 9;
  }
  if (view.getInt32(p, true) === 1701978668 && view.getInt32((p + 4) | 0, true) === 1953391987 && view.getInt32((p + 8) | 0, true) === 1852143173 && view.getInt32((p + 12) | 0, true) === 576997748 && view.getInt32((p + 14) | 0, true) === 574235236) {
    p = (p + 18) | 0;
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
      if (p === from || p - from > 256) return -1;
      p = (p + 1) | 0;
    } else {
      p = reader.oddText(9, from, p, end, at);
      if (p < 0) return -1;
    }
    seen |= 512;
    place = 10;
  }
  if (view.getInt32(p, true) === 1936269868 && view.getInt32((p + 4) | 0, true) === 1634755922 && view.getInt32((p + 8) | 0, true) === 1684370025 && view.getInt32((p + 10) | 0, true) === 975332453) {
    p = (p + 14) | 0;
    at = row;
    p = reader.value(10, p, end, row);
    if (p < 0 || p > end) return -1;
    seen |= 1024;
    place = 11;
  }
  reader.seen = seen;
  reader.place = place;
  return p;
}
