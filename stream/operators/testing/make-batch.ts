import {
  type Column,
  createBooleanColumn,
  createEnumColumn,
  createFloat64Column,
  createInt32Column,
  createKeyColumn,
  createTextColumn,
  type EventBatch,
  type EventContract,
  KeyDictionary,
  NULL_ENUM,
} from "../../../schema/index.ts";
import type { OperatorKeys } from "../operator-keys.ts";

export type PlainRow = Readonly<Record<string, string | number | boolean | null | undefined>>;

const utf8 = new TextEncoder();

export function createKeys(): OperatorKeys {
  return {
    userId: new KeyDictionary("user_id"),
    productId: new KeyDictionary("product_id"),
    categoryId: new KeyDictionary("category_id"),
  };
}

/** Columns of a contract filled from plain rows; `offset` of a row is `baseOffset` + its index. */
export function makeBatch<B extends EventBatch>(
  contract: EventContract,
  rows: readonly PlainRow[],
  options: { readonly keys: OperatorKeys; readonly baseOffset?: number; readonly partition?: number },
): B {
  const named: Record<string, Column> = {};
  for (const field of contract.fields) {
    const values = rows.map((row) => row[field.name] ?? null);
    named[field.name] = makeColumn(field, values, options.keys);
  }
  const extra = createTextColumn(rows.length);
  extra.start.fill(-1);
  const batch = {
    contract: contract.name,
    topic: contract.topic,
    partition: options.partition ?? 0,
    length: rows.length,
    offset: Float64Array.from(rows, (_, i) => (options.baseOffset ?? 0) + i),
    ingestedAt: Float64Array.from(rows, () => 0),
    columns: Object.values(named),
    flags: new Uint8Array(rows.length),
    extra,
    ...named,
  };
  return batch as unknown as B;
}

function makeColumn(
  field: EventContract["fields"][number],
  values: readonly (string | number | boolean | null)[],
  keys: OperatorKeys,
): Column {
  const count = values.length;
  if (field.key) {
    const dictionary = (keys as unknown as Record<string, KeyDictionary | undefined>)[field.name];
    const column = createKeyColumn(count, dictionary ?? new KeyDictionary(field.name));
    for (const [i, value] of values.entries()) {
      column.ids[i] = value === null ? -1 : column.dictionary.internText(String(value));
    }
    return column;
  }
  if (field.symbols !== null) {
    const column = createEnumColumn(count, field.symbols);
    for (const [i, value] of values.entries()) {
      column.codes[i] = value === null ? NULL_ENUM : field.symbols.indexOf(String(value));
    }
    return column;
  }
  return field.type === "string" || field.type === "json" ? makeText(values) : makeNumbers(field, values);
}

function makeText(values: readonly (string | number | boolean | null)[]): Column {
  const column = createTextColumn(values.length);
  const parts = values.map((value) => (value === null ? null : utf8.encode(String(value))));
  column.bytes = new Uint8Array(parts.reduce((sum, part) => sum + (part?.length ?? 0), 64));
  let at = 0;
  for (const [i, part] of parts.entries()) {
    column.start[i] = part === null ? -1 : at;
    if (part !== null) column.bytes.set(part, at);
    at += part?.length ?? 0;
    column.end[i] = part === null ? -1 : at;
  }
  return column;
}

function makeNumbers(
  field: EventContract["fields"][number],
  values: readonly (string | number | boolean | null)[],
): Column {
  const column =
    field.type === "int"
      ? createInt32Column(values.length, field.nullable)
      : field.type === "boolean"
        ? createBooleanColumn(values.length, field.nullable)
        : createFloat64Column(
            field.type === "timestamp" ? "timestamp" : field.type === "double" ? "float64" : "int64",
            values.length,
            field.nullable,
          );
  for (const [i, value] of values.entries()) {
    if (column.valid !== null) column.valid[i] = value === null ? 0 : 1;
    if (value !== null) column.values[i] = Number(value);
  }
  return column;
}
