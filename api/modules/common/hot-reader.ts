import type { HotStore } from "../../../stream/index.ts";

/** A hot record, parsed; null where there is none or its time is over. */
export async function readHot<T>(store: HotStore, namespace: string, key: string): Promise<T | null> {
  const value = await store.get(namespace, key);
  return value === null ? null : (JSON.parse(value) as T);
}
