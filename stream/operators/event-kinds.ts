import type { EnumColumn } from "../../schema/index.ts";

/** What windows and sessions make of an event type. */
export const EventKind = { other: 0, view: 1, cartAdd: 2, purchase: 3 } as const;

/** Event kinds by code; `page_view` and `item_view` are views. */
const KINDS: Readonly<Record<string, number>> = {
  page_view: EventKind.view,
  item_view: EventKind.view,
  cart_add: EventKind.cartAdd,
  purchase: EventKind.purchase,
};

const tables = new WeakMap<readonly string[], Uint8Array>();

/** Table from the column's codes to {@link EventKind}. */
export function eventKindTable(column: EnumColumn): Uint8Array {
  let table = tables.get(column.symbols);
  if (table === undefined) {
    table = new Uint8Array(256);
    for (const [code, symbol] of column.symbols.entries()) table[code] = KINDS[symbol] ?? EventKind.other;
    tables.set(column.symbols, table);
  }
  return table;
}
