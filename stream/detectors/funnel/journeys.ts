import type { SlotArray, StateSection } from "../../../schema/index.ts";
import { touchSlots } from "../../operators/touch-slots.ts";
import { EarlySteps, NONE } from "./early-steps.ts";

/** Steps of the funnel, in their order. */
export const STEPS = ["view", "cart", "checkout", "purchase"] as const;
export const STEP_COUNT = STEPS.length;
/** Of a row that is no step. */
export const NO_STEP = -1;

/** Numbers of a journey, side by side: times of the steps (`Infinity`: not taken), then these. */
const CATEGORY_AT = STEP_COUNT;
/** For the owner of the journeys. */
export const OWN = STEP_COUNT + 1;
export const STRIDE = 8;
/** What a journey is counted under. */
const CATEGORY = 0;
const DEVICE = 1;
const COUNTRY = 2;
const EARLY = 3;
const MARKS = 4;

/** Attributes of a row, as ids; -1 where it has none. */
export interface RowMarks {
  category: number;
  device: number;
  country: number;
}

/** A journey as it is counted: a copy. */
export class JourneyView {
  readonly times = new Float64Array(STEP_COUNT).fill(Number.POSITIVE_INFINITY);
  category = NONE;
  device = NONE;
  country = NONE;
}

/**
 * Journeys through the funnel. A step is the first event of its kind not before the step in front of
 * it, by event time alone, and less than `limitMs` after the first; so what a journey is at the end
 * does not depend on the order of arrival. Steps get earlier only, by late events, of which none is older
 * than the allowed lateness: what could become a step is kept that long ({@link EarlySteps}).
 */
export class Journeys {
  readonly times: SlotArray<Float64Array>;
  private readonly marks: SlotArray<Int32Array>;
  private readonly early: EarlySteps;
  private readonly limitMs: number;

  /** @param limitMs longer than event time is live, so that a first step that moves loses no later one */
  constructor(section: StateSection, prefix: string, limitMs: number) {
    this.limitMs = limitMs;
    this.times = section.float64(`${prefix}-times`, Number.POSITIVE_INFINITY);
    this.marks = section.int32(`${prefix}-marks`, NONE);
    this.early = new EarlySteps(section, prefix);
  }

  ensure(count: number): void {
    this.times.ensure(count * STRIDE);
    this.marks.ensure(count * MARKS);
  }

  /** Reads the journeys of rows [from, to) ahead; a negative one is none. */
  touch(journeys: Int32Array, from: number, to: number): void {
    touchSlots(this.times.values, journeys, from, to, STRIDE);
  }

  read(journey: number, view: JourneyView): void {
    const at = journey * STRIDE;
    for (let step = 0; step < STEP_COUNT; step++) view.times[step] = this.times.values[at + step];
    const marks = journey * MARKS;
    view.category = this.marks.values[marks + CATEGORY];
    view.device = this.marks.values[marks + DEVICE];
    view.country = this.marks.values[marks + COUNTRY];
  }

  /** Whether a view at this time changes nothing: the journey has begun, and what it is about is known. */
  isSettled(journey: number, at: number): boolean {
    const { values } = this.times;
    const base = journey * STRIDE;
    return at >= values[base] && at >= values[base + CATEGORY_AT];
  }

  /** Whether a step at this time changes nothing: it was taken no later. */
  isTaken(journey: number, step: number, at: number): boolean {
    return at >= this.times.values[journey * STRIDE + step];
  }

  /** A view. Of views at one time the one that came first names the device and the category. */
  foldView(journey: number, at: number, row: RowMarks): void {
    const { values } = this.times;
    const base = journey * STRIDE;
    const marks = journey * MARKS;
    this.mark(journey);
    if (row.category !== NONE && at < values[base + CATEGORY_AT] && this.isWithin(base, at)) {
      values[base + CATEGORY_AT] = at;
      this.marks.values[marks + CATEGORY] = row.category;
    }
    if (at >= values[base]) return;
    values[base] = at;
    this.marks.values[marks + DEVICE] = row.device;
    this.marks.values[marks + COUNTRY] = row.country;
    this.settle(journey);
  }

  /** A cart, checkout or purchase. */
  foldStep(journey: number, step: number, at: number, closeMs: number): void {
    // Steps get earlier only: one that is behind the one taken will never be it.
    if (this.isTaken(journey, step, at)) return;
    this.mark(journey);
    const marks = journey * MARKS;
    const kept = this.early.prune(this.marks.values[marks + EARLY], (_kind, time) => time >= closeMs);
    this.marks.values[marks + EARLY] = this.early.push(kept, step, at);
    this.settle(journey);
  }

  /** What `from` holds becomes part of `into`; `from` is empty then. */
  merge(into: number, from: number): void {
    const { values } = this.times;
    const a = into * STRIDE;
    const b = from * STRIDE;
    const marks = this.marks.values;
    let chain = this.early.join(marks[into * MARKS + EARLY], marks[from * MARKS + EARLY]);
    for (let step = 1; step < STEP_COUNT; step++) {
      if (values[b + step] < Number.POSITIVE_INFINITY) chain = this.early.push(chain, step, values[b + step]);
    }
    marks[into * MARKS + EARLY] = chain;
    marks[from * MARKS + EARLY] = NONE;
    if (values[b] < values[a]) {
      values[a] = values[b];
      marks[into * MARKS + DEVICE] = marks[from * MARKS + DEVICE];
      marks[into * MARKS + COUNTRY] = marks[from * MARKS + COUNTRY];
    }
    if (values[b + CATEGORY_AT] < values[a + CATEGORY_AT] && this.isWithin(a, values[b + CATEGORY_AT])) {
      values[a + CATEGORY_AT] = values[b + CATEGORY_AT];
      marks[into * MARKS + CATEGORY] = marks[from * MARKS + CATEGORY];
    }
    this.mark(into);
    this.clear(from);
    this.settle(into);
  }

  /** Drops early steps older than this; whether any is left. */
  pruneEarly(journey: number, closeMs: number): boolean {
    const at = journey * MARKS + EARLY;
    this.marks.values[at] = this.early.prune(this.marks.values[at], (_kind, time) => time >= closeMs);
    this.marks.mark(at);
    return this.marks.values[at] !== NONE;
  }

  clear(journey: number): void {
    this.early.drop(this.marks.values[journey * MARKS + EARLY]);
    this.times.values.fill(Number.POSITIVE_INFINITY, journey * STRIDE, (journey + 1) * STRIDE);
    this.marks.values.fill(NONE, journey * MARKS, (journey + 1) * MARKS);
    this.mark(journey);
  }

  /** Whether the time is within the limit of the journey's first view, if it has one. */
  private isWithin(base: number, at: number): boolean {
    const first = this.times.values[base];
    return first === Number.POSITIVE_INFINITY || at < first + this.limitMs;
  }

  /** Finds each step anew among the one that was taken and the early ones. */
  private settle(journey: number): void {
    const { values } = this.times;
    const base = journey * STRIDE;
    const chain = this.marks.values[journey * MARKS + EARLY];
    if (chain === NONE || values[base] === Number.POSITIVE_INFINITY) return;
    const end = values[base] + this.limitMs;
    for (let step = 1; step < STEP_COUNT; step++) {
      const after = values[base + step - 1];
      let best = values[base + step];
      this.early.each(chain, (kind, at) => {
        if (kind === step && at >= after && at < end && at < best) best = at;
      });
      values[base + step] = best;
    }
    this.marks.values[journey * MARKS + EARLY] = this.early.prune(
      chain,
      (kind, at) => at < values[base + kind],
    );
  }

  private mark(journey: number): void {
    this.times.mark(journey * STRIDE);
    this.marks.mark(journey * MARKS);
  }
}
