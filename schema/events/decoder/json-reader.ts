import { hashBytes } from "../../columns/index.ts";
import type { BatchStore } from "./batch-store.ts";
import { type FieldTable, Kind } from "./field-table.ts";
import {
  BACKSLASH,
  CLOSE_BRACE,
  COLON,
  COMMA,
  markIndex,
  marks,
  numberEnd,
  OPEN_BRACE,
  OPEN_BRACKET,
  plainEnd,
  QUOTE,
  skipSpace,
  stringEnd,
  valueEnd,
  WORD_FALS,
  WORD_NULL,
  WORD_TRUE,
} from "./json-scan.ts";
import { LearnedLayout } from "./learned-layout.ts";
import { fold, foldEnd } from "./text-hash.ts";
import { writeUnescaped } from "./unescape.ts";

/** Answers of {@link JsonReader.member} that are no field. */
const UNKNOWN_MEMBER = -1;
const END_OF_OBJECT = -2;
const NOT_SURE = -3;
const MINUS = 0x2d;
const LETTER_N = 0x6e;
const DIGIT_0 = 0x30;
const HIGH_BITS = 0x80808080 | 0;
/** Integers of so many digits are exact in a double. */
const EXACT_DIGITS_MAX = 15;

const latin1 = new TextDecoder("latin1");

/**
 * Generated from a contract: reads the members that stand at `start` in the contract's order
 * without blanks (`reader.place` 0: from the opening brace on), and answers where it stopped,
 * leaving `reader.seen` and `reader.place`; -1 where not sure.
 */
export type UsualReader = (reader: JsonReader, start: number, end: number, row: number) => number;

/**
 * Reads JSON records into the rows of a {@link BatchStore}: no object, no string, four bytes at a
 * time. It accepts only records that it understands wholly; `false` leaves the decision, and the
 * refusal's reason, to JSON.parse with validateEvent.
 */
export class JsonReader {
  private readonly store: BatchStore;
  private readonly table: FieldTable;
  private readonly layout: LearnedLayout;
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  readonly valid: Uint8Array;
  readonly uint8: Uint8Array;
  readonly capacity: number;
  /** Left by the usual reader: a bit for each field that it read, and the place behind the last one. */
  seen = 0;
  place = 0;
  private readonly usual: UsualReader | null;
  /** By field: the record in which it was last seen; a second time in one record is a duplicate key. */
  private readonly seenIn: Int32Array;
  private record = 0;
  bytes: Uint8Array = new Uint8Array(0);
  view: DataView = new DataView(new ArrayBuffer(0));
  // Second results of the methods below.
  private at = 0;
  private hash = 0;
  private isNull = false;

  constructor(store: BatchStore, usual: UsualReader | null) {
    this.store = store;
    this.usual = usual;
    this.uint8 = store.uint8;
    this.capacity = store.capacity;
    this.table = store.table;
    this.starts = store.starts;
    this.ends = store.ends;
    this.valid = store.valid;
    this.layout = new LearnedLayout();
    this.seenIn = new Int32Array(store.table.count);
  }

  use(bytes: Uint8Array, view: DataView): void {
    this.bytes = bytes;
    this.view = view;
  }

  /** Fills the row from the record `bytes[start, end)`; false = not sure (the row is then dirty). */
  read(start: number, end: number, row: number): boolean {
    const { bytes, view, layout, seenIn, table } = this;
    const record = (this.record + 1) | 0;
    this.record = record;
    let p = start;
    let place = 0;
    let required = 0;
    if (this.usual !== null) {
      this.place = 0;
      p = this.usual(this, start, end, row);
      if (p < 0) return false;
      if (p === end - 1 && bytes[p] === CLOSE_BRACE)
        return (this.seen & table.requiredBits) === table.requiredBits;
      place = this.place;
      required = this.takeSeen(record);
    }
    for (;;) {
      let field: number;
      let isNull: boolean;
      const candidate = layout.match(view, p, place === 0 ? 1 : 0);
      if (candidate >= 0) {
        field = layout.fields[candidate];
        p += layout.lengths[candidate];
        isNull = layout.nulls[candidate] === 1;
      } else {
        field = this.member(p, end, place, row);
        p = this.at;
        isNull = this.isNull;
        if (field < 0) {
          if (field === END_OF_OBJECT) break;
          if (field === NOT_SURE) return false;
          place = table.count + 1;
          if (this.usual === null) continue;
          // Behind an unknown member the usual layout mostly goes on.
          this.place = place;
          p = this.usual(this, p, end, row);
          const more = this.takeSeen(record);
          if (p < 0 || more < 0) return false;
          required += more;
          place = this.place;
          continue;
        }
      }
      if (seenIn[field] === record) return false;
      seenIn[field] = record;
      if (!isNull) {
        p = this.value(field, p, end, row);
        required += table.required[field];
      }
      // Beyond the end lies another record: whatever was read there does not count.
      if (p < 0 || p > end) return false;
      place = field + 1;
    }
    return required === table.requiredCount && p <= end && skipSpace(bytes, p, end) === end;
  }

  /** Enters what the usual reader saw; answers how many required fields are among it, -1 for a duplicate. */
  private takeSeen(record: number): number {
    let required = 0;
    for (let rest = this.seen; rest !== 0; rest &= rest - 1) {
      const field = 31 - Math.clz32(rest & -rest);
      if (this.seenIn[field] === record) return -1;
      this.seenIn[field] = record;
      required += this.table.required[field];
    }
    return required;
  }

  /**
   * From the end of a value to the next one, by the grammar: answers the field whose value begins
   * at `this.at` (behind the quote where the field is text), and learns the bytes between.
   */
  private member(from: number, end: number, place: number, row: number): number {
    const { bytes, table } = this;
    let p = skipSpace(bytes, from, end);
    this.isNull = false;
    if (place === 0) {
      if (bytes[p] !== OPEN_BRACE) return NOT_SURE;
      p = skipSpace(bytes, p + 1, end);
    }
    if (bytes[p] === CLOSE_BRACE) {
      this.at = p + 1;
      return END_OF_OBJECT;
    }
    if (place !== 0) {
      if (bytes[p] !== COMMA) return NOT_SURE;
      p = skipSpace(bytes, p + 1, end);
    }
    if (bytes[p] !== QUOTE) return NOT_SURE;
    const keyStart = p + 1;
    let keyEnd = this.hashedEnd(keyStart, end);
    if (keyEnd >= end || bytes[keyEnd] === BACKSLASH) return NOT_SURE;
    const plain = bytes[keyEnd] === QUOTE;
    const field = plain ? table.names.find(bytes, keyStart, keyEnd, this.hash) : UNKNOWN_MEMBER;
    if (!plain) keyEnd = stringEnd(bytes, keyEnd, end);
    if (keyEnd < 0) return NOT_SURE;
    p = skipSpace(bytes, keyEnd + 1, end);
    if (bytes[p] !== COLON) return NOT_SURE;
    p = skipSpace(bytes, p + 1, end);
    return field < 0
      ? this.skipUnknown(keyStart - 1, keyEnd + 1, p, end, row)
      : this.enter(field, place, from, p);
  }

  private skipUnknown(
    keyStart: number,
    keyEnd: number,
    valueStart: number,
    end: number,
    row: number,
  ): number {
    const valueStop = valueEnd(this.bytes, this.view, valueStart, end);
    if (valueStop < 0) return NOT_SURE;
    this.store.appendExtra(row, this.bytes, [keyStart, keyEnd], [valueStart, valueStop]);
    this.at = valueStop;
    return UNKNOWN_MEMBER;
  }

  private enter(field: number, place: number, from: number, valueStart: number): number {
    const { bytes, table } = this;
    let p = valueStart;
    if (bytes[p] === LETTER_N) {
      if (table.nullable[field] === 0 || this.view.getInt32(p, true) !== WORD_NULL) return NOT_SURE;
      p += 4;
      this.isNull = true;
    } else if (table.kinds[field] <= Kind.enum) {
      if (bytes[p] !== QUOTE) return NOT_SURE;
      p++;
    }
    this.layout.learn(field, bytes, [from, p], place === 0 ? 1 : 0, this.isNull);
    this.at = p;
    return field;
  }

  /** Reads the field's value at p into the row; answers the position behind it, or -1 where not sure. */
  value(field: number, p: number, end: number, row: number): number {
    const { table } = this;
    const at = table.base[field] + row;
    switch (table.kinds[field]) {
      case Kind.text:
      case Kind.key:
        return this.text(field, p, end, at);
      case Kind.enum:
        return this.symbol(field, p, end, at);
      case Kind.long:
      case Kind.int:
        return this.integer(field, p, row, at);
      case Kind.json:
        return this.json(field, p, end, at);
      case Kind.boolean:
        return this.boolean(field, p, row, at);
      default:
        return this.oddNumber(field, p, row, at);
    }
  }

  private text(field: number, p: number, end: number, at: number): number {
    const q = plainEnd(this.view, p, end);
    if (q >= end) return -1;
    if (this.bytes[q] !== QUOTE) return this.oddText(field, p, q, end, at);
    return this.setText(field, p, q, at) ? q + 1 : -1;
  }

  private symbol(field: number, p: number, end: number, at: number): number {
    const q = this.hashedEnd(p, end);
    if (q >= end || this.bytes[q] !== QUOTE) return -1;
    const code = this.table.symbols[field].find(this.bytes, p, q, this.hash);
    this.store.uint8[at] = code;
    return code < 0 ? -1 : q + 1;
  }

  private setText(field: number, start: number, end: number, at: number): boolean {
    const length = end - start;
    this.starts[at] = start;
    this.ends[at] = end;
    return length >= this.table.minBytes[field] && length <= this.table.maxBytes[field];
  }

  /** Text with blanks, escapes or beyond ASCII, whose first such byte is at `odd`. */
  oddText(field: number, start: number, odd: number, end: number, at: number): number {
    const { bytes, store } = this;
    const plain = plainEnd(this.view, odd, end);
    if (plain < end && bytes[plain] === QUOTE) {
      return this.setText(field, start, plain, at) ? plain + 1 : -1;
    }
    const stop = stringEnd(bytes, odd, end);
    if (stop < 0) return -1;
    let from = start;
    let to = stop;
    let source = bytes;
    if (hasEscape(bytes, odd, stop)) {
      store.reserveArena(stop - start);
      source = store.arena;
      from = store.arenaLength;
      to = writeUnescaped(bytes, { start, end: stop }, source, from);
      store.arenaLength = to;
    }
    const shift = source === bytes ? 0 : store.arenaBase;
    return this.setText(field, from + shift, to + shift, at) ? stop + 1 : -1;
  }

  private integer(field: number, from: number, row: number, at: number): number {
    const { bytes, view } = this;
    const first = bytes[from] === MINUS ? from + 1 : from;
    let p = first;
    let value = 0;
    // Four digits at a time: t holds one digit a byte where every byte is one.
    for (let t = view.getInt32(p, true) ^ 0x30303030; (((t + 0x76767676) | t) & HIGH_BITS) === 0; ) {
      const pairs = (Math.imul(t, 10) + (t >>> 8)) & 0x00ff00ff;
      value = value * 10_000 + (pairs & 0xff) * 100 + (pairs >>> 16);
      p += 4;
      if (p - first > 12) break;
      t = view.getInt32(p, true) ^ 0x30303030;
    }
    let digit = bytes[p] - DIGIT_0;
    while (digit >= 0 && digit <= 9) {
      value = value * 10 + digit;
      digit = bytes[++p] - DIGIT_0;
    }
    const digits = p - first;
    const c = bytes[p] | 0x20;
    const leadingZero = digits > 1 && bytes[first] === DIGIT_0;
    if (digits === 0 || digits > EXACT_DIGITS_MAX || leadingZero || c === 0x2e || c === 0x65) {
      return this.oddNumber(field, from, row, at);
    }
    if (first !== from) value = 0 - value;
    return this.setNumber(field, value, row, at) ? p : -1;
  }

  private setNumber(field: number, value: number, row: number, at: number): boolean {
    if (this.table.kinds[field] === Kind.int) this.store.int32[at] = value;
    else this.store.float64[at] = value;
    this.valid[field * this.store.capacity + row] = 1;
    return value >= this.table.min[field] && value <= this.table.max[field];
  }

  /** Numbers with a fraction, an exponent or very many digits, every double, and null in a number's place. */
  private oddNumber(field: number, p: number, row: number, at: number): number {
    const { bytes, table } = this;
    if (bytes[p] === LETTER_N) return this.nullAt(field, p);
    const stop = numberEnd(bytes, p);
    if (stop < 0) return -1;
    const value = Number(latin1.decode(bytes.subarray(p, stop)));
    if (table.kinds[field] === Kind.double) return this.setNumber(field, value, row, at) ? stop : -1;
    return Number.isInteger(value) && this.setNumber(field, value + 0, row, at) ? stop : -1;
  }

  private nullAt(field: number, p: number): number {
    return this.table.nullable[field] === 1 && this.view.getInt32(p, true) === WORD_NULL ? p + 4 : -1;
  }

  private boolean(field: number, p: number, row: number, at: number): number {
    const word = this.view.getInt32(p, true);
    if (word === WORD_NULL) return this.nullAt(field, p);
    const isTrue = word === WORD_TRUE;
    if (!isTrue && (word !== WORD_FALS || this.bytes[p + 4] !== 0x65)) return -1;
    this.store.uint8[at] = isTrue ? 1 : 0;
    this.valid[field * this.store.capacity + row] = 1;
    return isTrue ? p + 4 : p + 5;
  }

  private json(field: number, p: number, end: number, at: number): number {
    const c = this.bytes[p];
    if (c === LETTER_N) return this.nullAt(field, p);
    if (c !== OPEN_BRACE && c !== OPEN_BRACKET) return -1;
    const stop = valueEnd(this.bytes, this.view, p, end);
    return stop >= 0 && this.setText(field, p, stop, at) ? stop : -1;
  }

  /** As {@link plainEnd}, and leaves the text's {@link hashBytes} in `this.hash`, computed on the way. */
  private hashedEnd(from: number, end: number): number {
    const { view } = this;
    let p = from;
    let hash = 0;
    while (p < end) {
      const word = view.getInt32(p, true);
      const hit = marks(word);
      if (hit !== 0) {
        p = (p + markIndex(hit)) | 0;
        if (this.bytes[p] === QUOTE) this.hash = foldEnd(hash, word, hit, (p - from) | 0);
        else p = this.blankKeyEnd(from, p, end);
        return p;
      }
      hash = fold(hash, word);
      p = (p + 4) | 0;
    }
    return p;
  }

  /** Keys with a blank, or that are not plain: hashed in a second pass. */
  private blankKeyEnd(from: number, odd: number, end: number): number {
    const p = plainEnd(this.view, odd, end);
    if (p < end) this.hash = hashBytes(this.bytes, from, p);
    return p;
  }
}

function hasEscape(bytes: Uint8Array, from: number, end: number): boolean {
  for (let p = from; p < end; p++) if (bytes[p] === BACKSLASH) return true;
  return false;
}
