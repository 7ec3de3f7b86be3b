import {
  type Column,
  type EventBatch,
  type KeyColumn,
  KeyDictionary,
  NULL_ENUM,
  nameColumns,
  RECORD_PADDING,
  type TextColumn,
} from "../../columns/index.ts";
import type { ContractField, EventContract } from "../contract.ts";
import { FieldTable, Kind, kindOf } from "./field-table.ts";

const REPLACEMENT_BYTES_MAX = 3;
const utf8 = new TextEncoder();

/**
 * The arrays behind a decoder's batch. All columns of one kind lie in one array, column after
 * column, so that one reader fills any contract without a call site seeing many arrays: value of
 * field f, row r is at `table.base[f] + r`. The batch's columns are views of them.
 *
 * Text lies in the record bytes (positions as in the record batch) or, where escapes had to be
 * resolved, in the arena, whose position k is `arenaBase + k`; {@link finish} then lays copies of
 * both into one buffer, in which the same positions hold.
 */
export class BatchStore {
  readonly table: FieldTable;
  readonly batch: EventBatch;
  readonly capacity: number;
  /** Start and end of text, json and key values. */
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  readonly int32: Int32Array;
  readonly float64: Float64Array;
  /** Enum codes and booleans. */
  readonly uint8: Uint8Array;
  /** Presence of nullable numbers and booleans, by field. */
  readonly valid: Uint8Array;
  arenaBase = 0;
  arenaLength = 0;
  arena: Uint8Array = new Uint8Array(4096);
  extra: Uint8Array = new Uint8Array(4096);
  extraLength = 0;
  private readonly keyFields: readonly { field: number; column: KeyColumn }[];
  private readonly textColumns: readonly TextColumn[];
  private readonly nullableFields: readonly number[];
  private joined: Uint8Array = new Uint8Array(0);
  private extraUsed = true;

  constructor(
    contract: EventContract,
    capacity: number,
    dictionaries: Readonly<Record<string, KeyDictionary>>,
  ) {
    const slots = new SlotCounter(capacity);
    const base = Int32Array.from(contract.fields, (field) => slots.take(kindOf(field)));
    this.table = new FieldTable(contract, base);
    this.capacity = capacity;
    this.starts = new Int32Array(slots.size(Kind.text));
    this.ends = new Int32Array(slots.size(Kind.text));
    this.int32 = new Int32Array(slots.size(Kind.int));
    this.float64 = new Float64Array(slots.size(Kind.long));
    this.uint8 = new Uint8Array(slots.size(Kind.enum));
    this.valid = new Uint8Array(contract.fields.length * capacity);
    const columns = contract.fields.map((field, index) => this.column(field, index, dictionaries));
    this.batch = createBatch(contract, columns, capacity);
    this.keyFields = columns.flatMap((column, field) => (column.kind === "key" ? [{ field, column }] : []));
    this.textColumns = columns.filter((column) => column.kind === "text");
    this.nullableFields = contract.fields.flatMap((field, index) => (field.nullable ? [index] : []));
  }

  /** Makes rows 0 … rows-1 null where they may be; text positions from `arenaBase` on are the arena's. */
  begin(rows: number, arenaBase: number): void {
    for (const field of this.nullableFields) this.clear(field, 0, rows);
    if (this.extraUsed) this.batch.extra.start.fill(-1);
    this.extraUsed = false;
    this.arenaBase = arenaBase;
    this.arenaLength = 0;
    this.extraLength = 0;
  }

  /** Undoes what a refused record left in a row. */
  resetRow(row: number, arenaLength: number, extraLength: number): void {
    for (const field of this.nullableFields) this.clear(field, row, row + 1);
    this.batch.extra.start[row] = -1;
    this.arenaLength = arenaLength;
    this.extraLength = extraLength;
  }

  /** Interns the keys of rows 0 … rows-1 and points the columns to their bytes. */
  finish(bytes: Uint8Array, from: number, rows: number): void {
    const text = this.arenaLength === 0 ? bytes : this.join(bytes, from);
    for (const column of this.textColumns) {
      column.bytes = text;
      column.empty = isEmpty(column.start, rows);
      column.interned = null;
    }
    this.batch.extra.bytes = this.extra;
    this.batch.extra.empty = !this.extraUsed;
    for (const { field, column } of this.keyFields)
      this.internKeys(text, this.table.base[field], rows, column);
  }

  private internKeys(bytes: Uint8Array, base: number, rows: number, column: KeyColumn): void {
    const starts = this.starts.subarray(base, base + rows);
    const ends = this.ends.subarray(base, base + rows);
    column.dictionary.internRows(bytes, starts, ends, column.ids);
  }

  private join(bytes: Uint8Array, from: number): Uint8Array {
    const size = this.arenaBase + this.arenaLength + RECORD_PADDING;
    if (this.joined.length < size) this.joined = new Uint8Array(size + (size >>> 1));
    this.joined.set(bytes.subarray(from, this.arenaBase), from);
    this.joined.set(this.arena.subarray(0, this.arenaLength), this.arenaBase);
    return this.joined;
  }

  /** Makes room for so many more bytes in the arena. */
  reserveArena(bytes: number): void {
    if (this.arenaLength + bytes > this.arena.length) this.arena = grow(this.arena, this.arenaLength, bytes);
  }

  /** Appends text to the arena; its position is the batch position before the call. */
  appendArena(text: string): void {
    this.reserveArena(text.length * REPLACEMENT_BYTES_MAX);
    this.arenaLength += utf8.encodeInto(text, this.arena.subarray(this.arenaLength)).written;
  }

  /** Appends one raw member, `"key"` and its value, to the row's extra object. */
  appendExtra(
    row: number,
    bytes: Uint8Array,
    key: readonly [number, number],
    value: readonly [number, number],
  ): void {
    const { extra } = this.batch;
    const needed = key[1] - key[0] + value[1] - value[0] + 3;
    if (this.extraLength + needed > this.extra.length)
      this.extra = grow(this.extra, this.extraLength, needed);
    const fresh = extra.start[row] < 0;
    if (fresh) extra.start[row] = this.extraLength;
    this.extraUsed = true;
    // An open object is closed anew after each member: the next member overwrites the brace.
    if (!fresh) this.extraLength--;
    this.extra[this.extraLength++] = fresh ? 0x7b : 0x2c;
    this.extraLength = copy(bytes, key, this.extra, this.extraLength);
    this.extra[this.extraLength++] = 0x3a;
    this.extraLength = copy(bytes, value, this.extra, this.extraLength);
    this.extra[this.extraLength++] = 0x7d;
    extra.end[row] = this.extraLength;
  }

  private clear(field: number, from: number, to: number): void {
    const base = this.table.base[field];
    switch (this.table.kinds[field]) {
      case Kind.text:
      case Kind.json:
      case Kind.key:
        this.starts.fill(-1, base + from, base + to);
        this.ends.fill(-1, base + from, base + to);
        return;
      case Kind.enum:
        this.uint8.fill(NULL_ENUM, base + from, base + to);
        return;
      default:
        this.valid.fill(0, field * this.capacity + from, field * this.capacity + to);
    }
  }

  private column(
    field: ContractField,
    index: number,
    dictionaries: Readonly<Record<string, KeyDictionary>>,
  ): Column {
    const from = this.table.base[index];
    const to = from + this.capacity;
    const validFrom = index * this.capacity;
    const valid = field.nullable ? this.valid.subarray(validFrom, validFrom + this.capacity) : null;
    switch (this.table.kinds[index]) {
      case Kind.key: {
        const dictionary = dictionaries[field.name] ?? new KeyDictionary(field.name);
        return { kind: "key", ids: new Int32Array(this.capacity), dictionary };
      }
      case Kind.text:
      case Kind.json:
        return {
          kind: "text",
          bytes: this.arena,
          start: this.starts.subarray(from, to),
          end: this.ends.subarray(from, to),
          empty: true,
          interned: null,
        };
      case Kind.enum:
        return { kind: "enum", codes: this.uint8.subarray(from, to), symbols: field.symbols ?? [] };
      case Kind.boolean:
        return { kind: "boolean", values: this.uint8.subarray(from, to), valid };
      case Kind.int:
        return { kind: "int32", values: this.int32.subarray(from, to), valid };
      default: {
        const kind = field.type === "timestamp" ? "timestamp" : field.type === "double" ? "float64" : "int64";
        return { kind, values: this.float64.subarray(from, to), valid };
      }
    }
  }
}

/** Hands out places for columns in the arrays of their kinds. */
class SlotCounter {
  private readonly used = new Map<string, number>();
  private readonly capacity: number;

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  take(kind: number): number {
    const at = this.size(kind);
    this.used.set(arrayOf(kind), at + this.capacity);
    return at;
  }

  size(kind: number): number {
    return this.used.get(arrayOf(kind)) ?? 0;
  }
}

function arrayOf(kind: number): string {
  if (kind === Kind.int) return "int32";
  if (kind === Kind.long || kind === Kind.double) return "float64";
  return kind === Kind.enum || kind === Kind.boolean ? "uint8" : "text";
}

function createBatch(contract: EventContract, columns: readonly Column[], capacity: number): EventBatch {
  const batch: EventBatch = {
    contract: contract.name,
    topic: contract.topic,
    partition: 0,
    length: 0,
    offset: new Float64Array(capacity),
    ingestedAt: new Float64Array(capacity),
    columns,
    flags: new Uint8Array(capacity),
    extra: {
      kind: "text",
      bytes: new Uint8Array(0),
      start: new Int32Array(capacity).fill(-1),
      end: new Int32Array(capacity).fill(-1),
      empty: true,
      interned: null,
    },
  };
  return nameColumns(batch, contract.fields);
}

function isEmpty(start: Int32Array, rows: number): boolean {
  for (let row = 0; row < rows; row++) if (start[row] >= 0) return false;
  return true;
}

/** Copies a short range; a loop, because `set` of a `subarray` costs more than 50 bytes' copying. */
function copy(bytes: Uint8Array, range: readonly [number, number], target: Uint8Array, to: number): number {
  let out = to;
  for (let i = range[0]; i < range[1]; i++) target[out++] = bytes[i];
  return out;
}

function grow(bytes: Uint8Array, used: number, needed: number): Uint8Array {
  const grown = new Uint8Array(Math.max(bytes.length * 2, used + needed));
  grown.set(bytes.subarray(0, used));
  return grown;
}
