import {
  jsonBlob,
  KeyDictionary,
  PAGE_SHIFT,
  type ProductBatch,
  StateSection,
  type TextColumn,
} from "../../schema/index.ts";
import type { OperatorKeys } from "./operator-keys.ts";

/** Versions kept of one product; the oldest goes first. */
const VERSIONS_MAX = 16;
const NONE = -1;

/** Products as they were at any event time that versions are kept for. */
export interface ProductTable {
  readonly state: StateSection;
  readonly names: KeyDictionary;
  readonly brands: KeyDictionary;
  readonly codes: KeyDictionary;
  /** Takes product records; order of arrival does not matter, `updateTime` does. */
  fold(batch: ProductBatch): void;
  /**
   * The version that held at the event time: the newest not after it, else the earliest known; -1
   * where the product is unknown. Index for the accessors below.
   */
  versionAt(productId: number, eventTimeMs: number): number;
  /** Ids in the category dictionary, {@link codes}, {@link brands} and {@link names}; -1 is null. */
  categoryOf(version: number): number;
  codeOf(version: number): number;
  brandOf(version: number): number;
  nameOf(version: number): number;
  /** Whether the product can be bought as far as is known. */
  isActive(productId: number): boolean;
}

/**
 * Versioned product state. Versions of a product are a chain from the newest to the oldest, in slots
 * of typed arrays; a slot whose version was dropped is used again.
 */
export function createProductTable(deps: { readonly keys: OperatorKeys }): ProductTable {
  const state = new StateSection("product-table");
  const names = state.dictionary(new KeyDictionary("name"));
  const brands = state.dictionary(new KeyDictionary("brand"));
  const codes = state.dictionary(new KeyDictionary("categoryCode"));
  const head = state.int32("head", NONE);
  const time = state.float64("time");
  const older = state.int32("older", NONE);
  const attributes = {
    category: state.int32("category", NONE),
    code: state.int32("code", NONE),
    brand: state.int32("brand", NONE),
    name: state.int32("name", NONE),
    /** 1 can be bought, 0 cannot. */
    active: state.int32("active", NONE),
  };
  const slots = [time, older, ...Object.values(attributes)];
  let used = 0;
  state.blob = jsonBlob(
    () => used,
    (value) => {
      used = value;
    },
  );

  function fold(batch: ProductBatch): void {
    head.ensure(deps.keys.productId.size);
    for (let row = 0; row < batch.length; row++) {
      const version = insert(batch.productId.ids[row], batch.updateTime.values[row]);
      if (version === NONE) continue;
      attributes.category.values[version] = batch.categoryId.ids[row];
      attributes.code.values[version] = internText(codes, batch.categoryCode, row);
      attributes.brand.values[version] = internText(brands, batch.brand, row);
      attributes.name.values[version] = internText(names, batch.name, row);
      attributes.active.values[version] = batch.active.valid?.[row] === 0 ? NONE : batch.active.values[row];
      for (const array of slots) array.dirty[version >>> PAGE_SHIFT] = 1;
    }
  }

  /** A slot for the version, in its place in the chain; NONE where it is older than all that are kept. */
  function insert(product: number, updateTime: number): number {
    let newer = NONE;
    let at = head.values[product];
    let position = 0;
    for (; at !== NONE && time.values[at] > updateTime; at = older.values[at], position++) newer = at;
    if (at !== NONE && time.values[at] === updateTime) return at;
    if (position >= VERSIONS_MAX) return NONE;
    const slot = dropOldest(product) ?? used++;
    // Dropping may have taken the very version that would follow this one.
    const next = at === slot ? NONE : at;
    for (const array of slots) array.ensure(used);
    time.values[slot] = updateTime;
    older.values[slot] = next;
    if (newer === NONE) {
      head.values[product] = slot;
      head.dirty[product >>> PAGE_SHIFT] = 1;
    } else {
      older.values[newer] = slot;
      older.dirty[newer >>> PAGE_SHIFT] = 1;
    }
    return slot;
  }

  /** Frees the oldest version of a product that has as many as are kept; null where it has fewer. */
  function dropOldest(product: number): number | null {
    let count = 0;
    let last = NONE;
    let beforeLast = NONE;
    for (let at = head.values[product]; at !== NONE; at = older.values[at]) {
      beforeLast = last;
      last = at;
      count++;
    }
    if (count < VERSIONS_MAX) return null;
    older.values[beforeLast] = NONE;
    older.dirty[beforeLast >>> PAGE_SHIFT] = 1;
    return last;
  }

  function versionAt(productId: number, eventTimeMs: number): number {
    if (productId < 0 || productId >= head.length) return NONE;
    let version = head.values[productId];
    while (version !== NONE && time.values[version] > eventTimeMs && older.values[version] !== NONE) {
      version = older.values[version];
    }
    return version;
  }

  return {
    state,
    names,
    brands,
    codes,
    fold,
    versionAt,
    categoryOf: (version) => attributes.category.values[version],
    codeOf: (version) => attributes.code.values[version],
    brandOf: (version) => attributes.brand.values[version],
    nameOf: (version) => attributes.name.values[version],
    isActive: (productId) =>
      productId >= head.length ||
      head.values[productId] === NONE ||
      attributes.active.values[head.values[productId]] !== 0,
  };
}

function internText(dictionary: KeyDictionary, column: TextColumn, row: number): number {
  return column.start[row] < 0 ? NONE : dictionary.intern(column.bytes, column.start[row], column.end[row]);
}
