import { KeyDictionary, type SlotArray, type StateSection } from "../../../schema/index.ts";
import { NONE } from "./early-steps.ts";
import { STEP_COUNT } from "./journeys.ts";
import { BUCKET_COUNT } from "./time-buckets.ts";

const DAY = 0;
const GROUP = 1;
const REVISION = 2;
const CHANGED = 3;
const TIMES = 4;
const COUNTS = 5;
const STRIDE = COUNTS + STEP_COUNT;
/** A time between steps that journeys took: which, how many, the next of the same total. */
const LINK = 3;
const ENTRIES = 0;
const LINKS = 1;
const FREE = 2;

/** A total of a group on a day, as {@link DayTotals.takeChanged} shows it. */
export interface DayTotal {
  readonly day: number;
  readonly group: number;
  readonly revision: number;
  /** By step. */
  readonly counts: Float64Array;
  /** By step after the first, then by bucket. */
  readonly times: readonly Int32Array[];
}

/** Of several groups. */
export type DaySum = Pick<DayTotal, "counts"> & { readonly times: readonly Float64Array[] };

/** Sums by group and day of what changes of journeys add to them, until a day is dropped. */
export class DayTotals {
  readonly groups: KeyDictionary;
  private readonly entries: SlotArray<Float64Array>;
  private readonly links: SlotArray<Int32Array>;
  private readonly numbers: SlotArray<Float64Array>;
  private index: Map<number, Map<number, number>> | null = null;
  private readonly counts = new Float64Array(STEP_COUNT);
  private readonly times = Array.from({ length: STEP_COUNT - 1 }, () => new Int32Array(BUCKET_COUNT));

  constructor(section: StateSection) {
    this.groups = section.dictionary(new KeyDictionary("groups", 64));
    this.entries = section.float64("totals");
    this.links = section.int32("total-times", NONE);
    this.numbers = section.float64("total-numbers");
    this.numbers.ensure(FREE + 1);
    this.numbers.values.set([0, 0, NONE]);
    this.numbers.mark(0);
  }

  /** @param measure of `FunnelKeyWriter` */
  add(day: number, group: number, measure: number, amount: number): void {
    const at = this.entryOf(day, group);
    const { values } = this.entries;
    values[at + CHANGED] = 1;
    if (measure < STEP_COUNT) values[at + COUNTS + measure] += amount;
    else this.addTime(at, measure - STEP_COUNT, amount);
    this.entries.markRange(at, at + STRIDE);
  }

  /**
   * What changed since the last time, by day; of what was never reported only what counts journeys. A total is
   * valid until the next one. Nothing is added in between.
   */
  *takeChanged(): Generator<DayTotal, void> {
    for (const day of this.days()) {
      for (const [group, at] of this.byDay().get(day) ?? []) {
        const { values } = this.entries;
        if (values[at + CHANGED] === 0) continue;
        values[at + CHANGED] = 0;
        this.entries.markRange(at, at + STRIDE);
        if (values[at + REVISION] === 0 && values[at + COUNTS] === 0) continue;
        values[at + REVISION] += 1;
        yield this.total(day, group, at);
      }
    }
  }

  /** Adds all groups of a day up, into one of the sums each. */
  addUp(day: number, sums: readonly DaySum[], sumOf: (group: number) => number): void {
    const { values } = this.entries;
    const { values: links } = this.links;
    for (const [group, at] of this.byDay().get(day) ?? []) {
      const { counts, times } = sums[sumOf(group)];
      for (let step = 0; step < STEP_COUNT; step++) counts[step] += values[at + COUNTS + step];
      for (let link = values[at + TIMES]; link !== NONE; link = links[link * LINK + 2]) {
        const measure = links[link * LINK];
        times[Math.floor(measure / BUCKET_COUNT)][measure % BUCKET_COUNT] += links[link * LINK + 1];
      }
    }
  }

  /** Days that are kept, ascending. */
  days(): number[] {
    return [...this.byDay().keys()].sort((a, b) => a - b);
  }

  dropBefore(day: number): void {
    if (this.days().every((kept) => kept >= day)) return;
    const { entries, numbers } = this;
    let kept = 0;
    for (let entry = 0; entry < numbers.values[ENTRIES]; entry++) {
      const at = entry * STRIDE;
      if (entries.values[at + DAY] < day) this.freeTimes(entries.values[at + TIMES]);
      else entries.values.copyWithin(kept++ * STRIDE, at, at + STRIDE);
    }
    numbers.values[ENTRIES] = kept;
    numbers.mark(0);
    entries.markRange(0, kept * STRIDE);
    entries.length = kept * STRIDE;
    this.index = null;
  }

  afterRestore(): void {
    this.index = null;
  }

  private total(day: number, group: number, at: number): DayTotal {
    this.counts.set(this.entries.values.subarray(at + COUNTS, at + COUNTS + STEP_COUNT));
    for (const times of this.times) times.fill(0);
    const { values } = this.links;
    for (let link = this.entries.values[at + TIMES]; link !== NONE; link = values[link * LINK + 2]) {
      const measure = values[link * LINK];
      this.times[Math.floor(measure / BUCKET_COUNT)][measure % BUCKET_COUNT] = values[link * LINK + 1];
    }
    const revision = this.entries.values[at + REVISION];
    return { day, group, revision, counts: this.counts, times: this.times };
  }

  private addTime(at: number, measure: number, amount: number): void {
    let link = this.entries.values[at + TIMES];
    while (link !== NONE && this.links.values[link * LINK] !== measure)
      link = this.links.values[link * LINK + 2];
    if (link === NONE) link = this.addLink(at, measure);
    this.links.values[link * LINK + 1] += amount;
    this.links.mark(link * LINK);
    this.links.mark(link * LINK + 1);
  }

  private addLink(at: number, measure: number): number {
    const numbers = this.numbers.values;
    let link = numbers[FREE];
    if (link === NONE) {
      link = numbers[LINKS];
      numbers[LINKS] += 1;
      this.links.ensure(numbers[LINKS] * LINK);
    } else numbers[FREE] = this.links.values[link * LINK + 2];
    this.numbers.mark(0);
    this.links.values.set([measure, 0, this.entries.values[at + TIMES]], link * LINK);
    this.links.markRange(link * LINK, (link + 1) * LINK);
    this.entries.values[at + TIMES] = link;
    return link;
  }

  private freeTimes(head: number): void {
    for (let link = head; link !== NONE; ) {
      const next = this.links.values[link * LINK + 2];
      this.links.values[link * LINK + 2] = this.numbers.values[FREE];
      this.links.mark(link * LINK + 2);
      this.numbers.values[FREE] = link;
      link = next;
    }
    this.numbers.mark(0);
  }

  private entryOf(day: number, group: number): number {
    const days = this.byDay();
    let byGroup = days.get(day);
    if (byGroup === undefined) {
      byGroup = new Map();
      days.set(day, byGroup);
    }
    const known = byGroup.get(group);
    if (known !== undefined) return known;
    const at = this.numbers.values[ENTRIES] * STRIDE;
    this.numbers.values[ENTRIES] += 1;
    this.numbers.mark(0);
    this.entries.ensure(at + STRIDE);
    this.entries.values.fill(0, at, at + STRIDE);
    this.entries.values[at + DAY] = day;
    this.entries.values[at + GROUP] = group;
    this.entries.values[at + TIMES] = NONE;
    byGroup.set(group, at);
    return at;
  }

  private byDay(): Map<number, Map<number, number>> {
    if (this.index !== null) return this.index;
    this.index = new Map();
    for (let entry = 0; entry < this.numbers.values[ENTRIES]; entry++) {
      const at = entry * STRIDE;
      const day = this.entries.values[at + DAY];
      const byGroup = this.index.get(day) ?? new Map<number, number>();
      this.index.set(day, byGroup);
      byGroup.set(this.entries.values[at + GROUP], at);
    }
    return this.index;
  }
}
