/** Keeps the loads of {@link touchSlots} from being dropped as unused. */
export const touched = { sum: 0 };

/** Rows whose slots are read ahead together: few enough for them to stay in the first cache. */
export const TOUCH_ROWS = 128;

/**
 * Reads the state slots `values[ids[row] × stride]` of rows [from, to), so that the pass over the rows
 * finds them in the cache: these loads do not wait for each other, those of the pass do (its branches
 * depend on what was loaded). Halves the cost of keyed state that is larger than the cache. Of a slot the
 * last element is read too: memory begins 16 bytes behind a cache line, so that a slot of the length of
 * a line lies in two. A negative id is no slot.
 */
export function touchSlots(
  values: Int32Array | Float64Array,
  ids: Int32Array,
  from: number,
  to: number,
  stride: number,
): void {
  let sum = 0;
  for (let row = from; row < to; row++) {
    const id = ids[row];
    if (id < 0) continue;
    const at = id * stride;
    sum += values[at] + values[at + stride - 1];
  }
  touched.sum = sum;
}
