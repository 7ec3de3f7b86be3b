import type { KeyDictionary } from "../../schema/index.ts";

/** Bytes of a key that its rank holds: as many as a double has exact integers for. */
const RANK_BYTES = 6;

/**
 * Ids in the byte order of their keys: an ordered store then writes neighbours into the same pages.
 * Sorts by the first bytes behind what all these keys share; keys equal in those stay as they are.
 */
export function sortByKey(ids: Int32Array, dictionary: KeyDictionary): Int32Array {
  const { heap, ends } = dictionary;
  const skip = sharedPrefix(ids, dictionary);
  const ranks = new Float64Array(ids.length);
  for (const [i, id] of ids.entries()) {
    const start = dictionary.start(id) + skip;
    let rank = 0;
    for (let at = start; at < start + RANK_BYTES; at++) rank = rank * 256 + (at < ends[id] ? heap[at] : 0);
    ranks[i] = rank;
  }
  const order = Int32Array.from(ids.keys()).sort((a, b) => ranks[a] - ranks[b]);
  return order.map((i) => ids[i]);
}

function sharedPrefix(ids: Int32Array, dictionary: KeyDictionary): number {
  if (ids.length === 0) return 0;
  const { heap, ends } = dictionary;
  const first = dictionary.start(ids[0]);
  let shared = ends[ids[0]] - first;
  for (const id of ids) {
    const start = dictionary.start(id);
    const length = Math.min(shared, ends[id] - start);
    let equal = 0;
    while (equal < length && heap[start + equal] === heap[first + equal]) equal++;
    shared = equal;
  }
  return shared;
}
