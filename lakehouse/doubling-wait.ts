/**
 * A wait, ms, before something that failed is tried again: `min`, doubled so many times, `max` at most; half of it by
 * chance, so that those who failed together do not come back together.
 *
 * @param random in [0, 1)
 */
export function doublingWait(
  bounds: { readonly min: number; readonly max: number },
  doublings: number,
  random: () => number,
): number {
  return Math.min(bounds.max, bounds.min * 2 ** doublings) * (0.5 + random() / 2);
}
