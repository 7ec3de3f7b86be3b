/** Buckets of a doubling of time: a bound is 19 % above the one before. */
const BUCKETS_PER_DOUBLING = 4;
const FIRST_BOUND_MS = 1000;
/** The last bound is above a day, the longest journey. */
export const BUCKET_COUNT = 67;

/**
 * Upper bounds of the buckets of times between steps, whole milliseconds, inclusive. Counts by bucket
 * are exact and can be added up; a median that is read off them is at most 19 % above the true one
 * (or is the first bound, a second, where the true one is below it).
 */
export const BUCKET_BOUNDS_MS: readonly number[] = Array.from({ length: BUCKET_COUNT }, (_, i) =>
  Math.round(FIRST_BOUND_MS * 2 ** (i / BUCKETS_PER_DOUBLING)),
);

/** The bucket of a time between two steps: the first whose bound is not below it. */
export function bucketOf(ms: number): number {
  let low = 0;
  let high = BUCKET_COUNT - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (BUCKET_BOUNDS_MS[middle] >= ms) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The bound of the bucket that holds the lower median; null where all counts are zero. */
export function medianOf(counts: ArrayLike<number>): number | null {
  let total = 0;
  for (let i = 0; i < counts.length; i++) total += counts[i];
  if (total <= 0) return null;
  let below = 0;
  for (let i = 0; i < counts.length; i++) {
    below += counts[i];
    if (below * 2 >= total) return BUCKET_BOUNDS_MS[i];
  }
  return null;
}

/** `BOUND:COUNT,…` of the buckets in use, by rising bound; empty where there is none. */
export function writeBuckets(counts: ArrayLike<number>): string {
  const used: string[] = [];
  for (let i = 0; i < counts.length; i++)
    if (counts[i] !== 0) used.push(`${BUCKET_BOUNDS_MS[i]}:${counts[i]}`);
  return used.join(",");
}

/** Adds what {@link writeBuckets} wrote to `counts`. */
export function addBuckets(text: string, counts: number[]): void {
  for (const part of text === "" ? [] : text.split(",")) {
    const [bound, count] = part.split(":");
    counts[bucketOf(Number(bound))] += Number(count);
  }
}
