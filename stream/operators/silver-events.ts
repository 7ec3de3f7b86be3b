import {
  type Column,
  type CustomerEventBatch,
  createBooleanColumn,
  createInt32Column,
  createKeyColumn,
  createTextColumn,
  type KeyDictionary,
  RowFlag,
  StateSection,
  silverEvents,
  type TextColumn,
} from "../../schema/index.ts";
import type { Operator } from "../runtime/operator.ts";
import type { OperatorKeys } from "./operator-keys.ts";
import type { ProductTable } from "./product-table.ts";

export interface SilverEventsDeps {
  readonly keys: OperatorKeys;
  readonly products: ProductTable;
}

/** Rows of `silver.events`: [0, count), or those that `selection[0 … count)` names. */
export interface SilverRows {
  readonly columns: readonly Column[];
  readonly count: number;
  readonly selection: Int32Array | undefined;
}

export interface SilverEvents extends Operator<CustomerEventBatch> {
  /** The rows of a batch that is through {@link process}; valid until the next one. */
  takeRows(batch: CustomerEventBatch): SilverRows;
}

/**
 * Makes `silver.events`: rows that are no duplicates, with the product as it was at event time where
 * the event does not say. Columns that need no change are the batch's own.
 */
export function createSilverEvents(deps: SilverEventsDeps): SilverEvents {
  const { keys, products } = deps;
  let capacity = 4096;
  let selection = new Int32Array(capacity);
  let versions = new Int32Array(capacity);
  let category = createKeyColumn(capacity, keys.categoryId);
  let name = createKeyColumn(capacity, products.names);
  let isLate = createBooleanColumn(capacity, false);
  let partitions = createInt32Column(capacity, false);
  const code = new FallbackText(products.codes);
  const brand = new FallbackText(products.brands);
  /** Rows of this batch, and whether one of them has the product's category. */
  let count = 0;
  let hasOtherCategory = false;

  function ensure(rows: number): void {
    if (rows <= capacity) return;
    capacity = rows;
    selection = grown(selection, rows);
    versions = grown(versions, rows);
    category = { ...category, ids: grown(category.ids, rows) };
    name = { ...name, ids: grown(name.ids, rows) };
    const late = isLate.values;
    isLate = createBooleanColumn(rows, false);
    isLate.values.set(late);
    partitions = createInt32Column(rows, false);
  }

  function process(batch: CustomerEventBatch, from: number, to: number): void {
    ensure(to);
    const times = batch.eventTime.values;
    for (let row = from; row < to; row++) {
      const flags = batch.flags[row];
      if ((flags & RowFlag.duplicate) !== 0) continue;
      selection[count++] = row;
      isLate.values[row] = flags === 0 ? 0 : 1;
      const own = batch.categoryId.ids[row];
      const version = products.versionAt(batch.productId.ids[row], times[row]);
      versions[row] = version;
      const isOwn = own >= 0 || version < 0;
      category.ids[row] = isOwn ? own : products.categoryOf(version);
      hasOtherCategory ||= !isOwn;
      name.ids[row] = version < 0 ? -1 : products.nameOf(version);
    }
  }

  function columnsOf(batch: CustomerEventBatch): readonly Column[] {
    return [
      batch.eventId,
      batch.eventType,
      batch.eventTime,
      batch.userId,
      batch.sessionId,
      batch.productId,
      hasOtherCategory ? category : batch.categoryId,
      code.fill(batch.categoryCode, versions, products.codeOf, selection, count),
      brand.fill(batch.brand, versions, products.brandOf, selection, count),
      name,
      batch.priceMinor,
      batch.currency,
      batch.quantity,
      batch.orderId,
      batch.query,
      batch.pageUrl,
      batch.referrer,
      batch.device,
      batch.country,
      isLate,
      partitions,
      { kind: "int64", values: batch.offset, valid: null },
      { kind: "timestamp", values: batch.ingestedAt, valid: null },
    ];
  }

  function takeRows(batch: CustomerEventBatch): SilverRows {
    ensure(batch.length);
    partitions.values.fill(batch.partition);
    const columns = columnsOf(batch);
    const rows = { columns, count, selection: count === batch.length ? undefined : selection };
    count = 0;
    hasOtherCategory = false;
    return rows;
  }

  return {
    name: silverEvents.name,
    state: new StateSection("silver-events"),
    process,
    advance: () => undefined,
    takeRows,
  };
}

function grown(values: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(length);
  larger.set(values);
  return larger;
}

/** A text column that takes a product's text where the event has none. */
class FallbackText {
  private readonly dictionary: KeyDictionary;
  private column = createTextColumn(0);
  private arena = new Uint8Array(1 << 16);

  constructor(dictionary: KeyDictionary) {
    this.dictionary = dictionary;
  }

  /** The event's own column where no row needs another text, else a copy that is valid until the next call. */
  fill(
    own: TextColumn,
    versions: Int32Array,
    idOf: (version: number) => number,
    selection: Int32Array,
    count: number,
  ): TextColumn {
    let needed = 0;
    for (let i = 0; i < count; i++) if (this.fallback(own, versions, idOf, selection[i]) >= 0) needed++;
    if (needed === 0) return own;
    this.ensure(own.start.length);
    let at = 0;
    for (let i = 0; i < count; i++) {
      const row = selection[i];
      const id = this.fallback(own, versions, idOf, row);
      this.column.start[row] = at;
      if (id >= 0)
        at = this.copy(this.dictionary.heap, this.dictionary.start(id), this.dictionary.ends[id], at);
      else if (own.start[row] >= 0) at = this.copy(own.bytes, own.start[row], own.end[row], at);
      else this.column.start[row] = -1;
      this.column.end[row] = at;
    }
    this.column.bytes = this.arena;
    return this.column;
  }

  /** The dictionary id of the product's text for a row that has none of its own, else -1. */
  private fallback(
    own: TextColumn,
    versions: Int32Array,
    idOf: (version: number) => number,
    row: number,
  ): number {
    return own.start[row] >= 0 || versions[row] < 0 ? -1 : idOf(versions[row]);
  }

  private ensure(capacity: number): void {
    if (this.column.start.length < capacity) this.column = createTextColumn(capacity);
  }

  private copy(bytes: Uint8Array, start: number, end: number, at: number): number {
    const length = end - start;
    if (at + length > this.arena.length) {
      const grown = new Uint8Array(Math.max(this.arena.length * 2, at + length));
      grown.set(this.arena.subarray(0, at));
      this.arena = grown;
    }
    for (let i = 0; i < length; i++) this.arena[at + i] = bytes[start + i];
    return at + length;
  }
}
