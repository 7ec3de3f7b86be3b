import { PAGE_SHIFT, type SlotArray, type StateSection } from "../../../schema/index.ts";
import { StateImageWriter } from "../state-image.ts";

/**
 * Which arrays have changed in a page that is not marked, since the call before: an image would not have it. Each call
 * is a delta of its own, so whoever else makes images of these sections misses what it has seen.
 */
export function unmarkedChanges(sections: readonly StateSection[]): () => readonly string[] {
  const arrays = sections.flatMap((section) => section.arrays.map((array) => ({ section, array })));
  const images = new StateImageWriter(sections);
  const before = new Map<SlotArray, SlotArray["values"]>();
  const save = (kind: "full" | "delta"): void => {
    images.capture(kind);
    for (const { array } of arrays) before.set(array, array.values.slice(0, array.length));
  };
  save("full");
  return () => {
    const found = arrays
      .filter(({ array }) => hasUnmarkedChange(array, before.get(array)))
      .map(({ section, array }) => `${section.name}.${array.name}`);
    save("delta");
    return found;
  };
}

function hasUnmarkedChange(array: SlotArray, before: SlotArray["values"] | undefined): boolean {
  for (let i = 0; i < array.length; i++) {
    const old = before !== undefined && i < before.length ? before[i] : array.fill;
    if (array.dirty[i >>> PAGE_SHIFT] === 0 && !Object.is(array.values[i], old)) return true;
  }
  return false;
}
