import type { KeyDictionary } from "./key-dictionary.ts";
import { utf8Decoder } from "./utf8.ts";

/**
 * Columns of a batch. Every array has a capacity of at least the batch's length and is reused
 * from batch to batch by its owner: whoever wants to keep a value copies it.
 *
 * Nulls: numbers carry `valid` (1 = present; `null` = the column has no nulls), text has a
 * negative start, a key has id -1, an enum has code {@link NULL_ENUM}.
 */
export type Column = Int32Column | Float64Column | BooleanColumn | EnumColumn | TextColumn | KeyColumn;

export interface Int32Column {
  readonly kind: "int32";
  values: Int32Array;
  valid: Uint8Array | null;
}

/**
 * `int64`: integers within ±2^53. `timestamp`: whole milliseconds since the Unix epoch, UTC.
 * `float64`: any double.
 */
export interface Float64Column {
  readonly kind: "int64" | "float64" | "timestamp";
  values: Float64Array;
  valid: Uint8Array | null;
}

export interface BooleanColumn {
  readonly kind: "boolean";
  values: Uint8Array;
  valid: Uint8Array | null;
}

/** The code that stands for null in an {@link EnumColumn}. */
export const NULL_ENUM = 255;

export interface EnumColumn {
  readonly kind: "enum";
  codes: Uint8Array;
  readonly symbols: readonly string[];
}

/** UTF-8 text: value i is `bytes[start[i], end[i])`; `start[i] < 0` is null. */
export interface TextColumn {
  readonly kind: "text";
  bytes: Uint8Array;
  start: Int32Array;
  end: Int32Array;
  /** True where all rows are known to be null, so that `start` need not be looked at. */
  empty?: boolean;
  /** The same rows interned, where somebody did that: writers then need not hash the text. */
  interned?: KeyColumn | null;
}

/** Interned text: value i is entry `ids[i]` of the dictionary; -1 is null. */
export interface KeyColumn {
  readonly kind: "key";
  ids: Int32Array;
  dictionary: KeyDictionary;
}

export function createInt32Column(capacity: number, nullable: boolean): Int32Column {
  return {
    kind: "int32",
    values: new Int32Array(capacity),
    valid: nullable ? new Uint8Array(capacity) : null,
  };
}

export function createFloat64Column(
  kind: Float64Column["kind"],
  capacity: number,
  nullable: boolean,
): Float64Column {
  return { kind, values: new Float64Array(capacity), valid: nullable ? new Uint8Array(capacity) : null };
}

export function createBooleanColumn(capacity: number, nullable: boolean): BooleanColumn {
  return {
    kind: "boolean",
    values: new Uint8Array(capacity),
    valid: nullable ? new Uint8Array(capacity) : null,
  };
}

export function createEnumColumn(capacity: number, symbols: readonly string[]): EnumColumn {
  return { kind: "enum", codes: new Uint8Array(capacity), symbols };
}

export function createTextColumn(capacity: number): TextColumn {
  return { kind: "text", bytes: EMPTY_BYTES, start: new Int32Array(capacity), end: new Int32Array(capacity) };
}

export function createKeyColumn(capacity: number, dictionary: KeyDictionary): KeyColumn {
  return { kind: "key", ids: new Int32Array(capacity), dictionary };
}

const EMPTY_BYTES = new Uint8Array(0);

/** The value at a row as a plain JavaScript value; for tests, errors and rare paths only. */
export function columnValue(column: Column, row: number): string | number | boolean | null {
  switch (column.kind) {
    case "text":
      return column.start[row] < 0
        ? null
        : utf8Decoder.decode(column.bytes.subarray(column.start[row], column.end[row]));
    case "key":
      return column.ids[row] < 0 ? null : column.dictionary.text(column.ids[row]);
    case "enum":
      return column.codes[row] === NULL_ENUM ? null : column.symbols[column.codes[row]];
    case "boolean":
      return column.valid !== null && column.valid[row] === 0 ? null : column.values[row] === 1;
    default:
      return column.valid !== null && column.valid[row] === 0 ? null : column.values[row];
  }
}
