import {
  type BooleanColumn,
  type Column,
  createBooleanColumn,
  createFloat64Column,
  createInt32Column,
  createKeyColumn,
  createTextColumn,
  type Float64Column,
  type Int32Column,
  type KeyColumn,
  type KeyDictionary,
  type TextColumn,
} from "../columns/index.ts";
import type { LakeColumn, TableSpec } from "./table-spec.ts";

/** Takes rows [0, length) of columns in the table's order; must copy what it keeps. */
export type RowFlush = (columns: readonly Column[], length: number) => void;

const utf8 = new TextEncoder();

/**
 * Output rows of one table, built column by column: `const r = buffer.next()`, then set each
 * column at `r`. Flushes itself when full. A string column is a key column where the owner gives
 * the dictionary of its ids, and text otherwise.
 */
export class RowBuffer {
  readonly table: TableSpec;
  readonly columns: readonly Column[];
  length = 0;
  private readonly capacity: number;
  private readonly onFlush: RowFlush;
  private arena = new Uint8Array(64 * 1024);
  private arenaEnd = 0;

  constructor(
    table: TableSpec,
    onFlush: RowFlush,
    dictionaries: Readonly<Record<string, KeyDictionary>> = {},
    capacity = 4096,
  ) {
    this.table = table;
    this.onFlush = onFlush;
    this.capacity = capacity;
    this.columns = table.columns.map((column) => createColumn(column, capacity, dictionaries[column.name]));
    for (const column of this.columns) if (column.kind === "text") column.bytes = this.arena;
  }

  /** Index of a fresh row; its values are undefined until set, its nullable ones included. */
  next(): number {
    if (this.length === this.capacity) this.flush();
    return this.length++;
  }

  flush(): void {
    if (this.length === 0) return;
    this.onFlush(this.columns, this.length);
    this.length = 0;
    this.arenaEnd = 0;
  }

  int32(name: string): Int32Column {
    return this.column(name, "int32");
  }

  float64(name: string): Float64Column {
    const column = this.columns[this.indexOf(name)];
    if (column.kind !== "int64" && column.kind !== "float64" && column.kind !== "timestamp") {
      throw new Error(`${this.table.name}.${name} is ${column.kind}, not a number`);
    }
    return column;
  }

  boolean(name: string): BooleanColumn {
    return this.column(name, "boolean");
  }

  key(name: string): KeyColumn {
    return this.column(name, "key");
  }

  text(name: string): TextColumn {
    return this.column(name, "text");
  }

  /** Sets a text value; null where `value` is null. */
  setText(column: TextColumn, row: number, value: string | null): void {
    if (value === null) {
      column.start[row] = -1;
      column.end[row] = -1;
      return;
    }
    this.reserve(value.length * 3);
    const { written } = utf8.encodeInto(value, this.arena.subarray(this.arenaEnd));
    column.start[row] = this.arenaEnd;
    this.arenaEnd += written;
    column.end[row] = this.arenaEnd;
  }

  private reserve(bytes: number): void {
    if (this.arenaEnd + bytes <= this.arena.length) return;
    const grown = new Uint8Array(Math.max(this.arena.length * 2, this.arenaEnd + bytes));
    grown.set(this.arena.subarray(0, this.arenaEnd));
    this.arena = grown;
    for (const column of this.columns) if (column.kind === "text") column.bytes = grown;
  }

  private indexOf(name: string): number {
    const index = this.table.columns.findIndex((column) => column.name === name);
    if (index < 0) throw new Error(`${this.table.name} has no column ${name}`);
    return index;
  }

  private column<K extends Column["kind"]>(name: string, kind: K): Extract<Column, { kind: K }> {
    const column = this.columns[this.indexOf(name)];
    if (column.kind !== kind) throw new Error(`${this.table.name}.${name} is ${column.kind}, not ${kind}`);
    return column as Extract<Column, { kind: K }>;
  }
}

function createColumn(spec: LakeColumn, capacity: number, dictionary: KeyDictionary | undefined): Column {
  const nullable = !spec.required;
  switch (spec.type) {
    case "int":
      return createInt32Column(capacity, nullable);
    case "long":
      return createFloat64Column("int64", capacity, nullable);
    case "double":
      return createFloat64Column("float64", capacity, nullable);
    case "timestamptz":
      return createFloat64Column("timestamp", capacity, nullable);
    case "boolean":
      return createBooleanColumn(capacity, nullable);
    case "string":
      return dictionary === undefined ? createTextColumn(capacity) : createKeyColumn(capacity, dictionary);
  }
}
