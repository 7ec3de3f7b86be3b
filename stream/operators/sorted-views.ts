const CAPACITY_MIN = 2048;
/** Views of one {@link SortedViews.add}; their places stand behind the times that are sorted, in 53 bits. */
export const SORTED_AT_ONCE_MAX = 2 ** 20;

/**
 * The newest views of one user side by side, by event time and, of equal times, as they came. What
 * somebody with thousands of views in a few minutes did of late is found without a walk over all of them.
 */
export class SortedViews {
  /** The view that came last of those it holds, as an entry of the ring. */
  last: number | null = null;
  /** The user's newest event at the last look, ms. */
  lookedAtMs: number;
  private times = new Float64Array(0);
  private entries = new Int32Array(0);
  private begin = 0;
  private end = 0;

  constructor(lookedAtMs: number) {
    this.lookedAtMs = lookedAtMs;
  }

  /** Adds views that came behind all it holds, in the order in which they came; at most {@link SORTED_AT_ONCE_MAX}. */
  add(times: readonly number[], entries: readonly number[]): void {
    const count = times.length;
    if (count === 0) return;
    this.makeRoom(count);
    const earliest = times.reduce((least, time) => Math.min(least, time), Number.POSITIVE_INFINITY);
    const order = Float64Array.from(times, (time, i) => (time - earliest) * SORTED_AT_ONCE_MAX + i).sort();
    // From the end, where most of the new ones go.
    let old = this.end - 1;
    let at = this.end + count - 1;
    for (let i = count - 1; i >= 0; i--) {
      const place = order[i] % SORTED_AT_ONCE_MAX;
      const time = times[place];
      for (; old >= this.begin && this.times[old] > time; old--, at--) {
        this.times[at] = this.times[old];
        this.entries[at] = this.entries[old];
      }
      this.times[at] = time;
      this.entries[at--] = entries[place];
    }
    this.end += count;
    this.last = entries[count - 1];
  }

  /** Drops the views up to a time; how many are left. */
  dropUntil(timeMs: number): number {
    let low = this.begin;
    for (let high = this.end; low < high; ) {
      const middle = (low + high) >>> 1;
      if (this.times[middle] <= timeMs) low = middle + 1;
      else high = middle;
    }
    this.begin = low;
    return this.end - low;
  }

  /** The newest views, newest first, of equal times the one that came last first; how many there are. */
  newest(times: Float64Array, entries: Int32Array): number {
    const count = Math.min(times.length, this.end - this.begin);
    for (let i = 0; i < count; i++) {
      times[i] = this.times[this.end - 1 - i];
      entries[i] = this.entries[this.end - 1 - i];
    }
    return count;
  }

  private makeRoom(count: number): void {
    if (this.end + count <= this.times.length) return;
    const kept = this.end - this.begin;
    const { times, entries } = this;
    // Enough to move all of it only after as much again was added.
    const capacity = Math.max(CAPACITY_MIN, Math.ceil((kept + count) * 1.5));
    if (capacity > times.length) {
      this.times = new Float64Array(capacity);
      this.entries = new Int32Array(capacity);
    }
    this.times.set(times.subarray(this.begin, this.end));
    this.entries.set(entries.subarray(this.begin, this.end));
    this.begin = 0;
    this.end = kept;
  }
}
