import { type HotStore, INVENTORY_RECORD, type InventoryRecord } from "../../../stream/index.ts";

/**
 * The first `limit` of the items, best first, of which something is left in some warehouse. A product
 * of which no stock is known counts as there: not every shop sends updates of it.
 */
export async function firstInStock<T extends { readonly productId: string }>(
  hotStore: HotStore,
  items: readonly T[],
  limit: number,
): Promise<readonly T[]> {
  const kept: T[] = [];
  for (let from = 0; kept.length < limit && from < items.length; from += limit) {
    const asked = items.slice(from, from + limit);
    const values = await hotStore.getMany(
      INVENTORY_RECORD,
      asked.map(({ productId }) => productId),
    );
    kept.push(...asked.filter((_, k) => !isSoldOut(values[k])));
  }
  return kept.slice(0, limit);
}

function isSoldOut(value: string | null): boolean {
  if (value === null) return false;
  const { warehouses } = JSON.parse(value) as InventoryRecord;
  return warehouses.every(({ stock }) => stock <= 0);
}
