const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const WEEK_MS = 7 * DAY_MS;
/** A season is looked for in so many weeks before the window. */
export const SEASON_WEEKS = 6;
/** It is one from so many of them with values on. */
const SEASON_WEEKS_MIN = 2;
/** Weeks that are kept: the season, the window's own, and one that late data may still reach. */
export const KEPT_WEEKS = SEASON_WEEKS + 2;
/** So many days of windows may still be corrected by a topic that lies behind: a quiet one sends when it has more. */
export const CORRECTED_DAYS = 6;
/** The usual distance of a metric is read off these days before the window's: they rarely change any more. */
const USUAL_DAYS = { first: 14, last: 8 } as const;
/** Windows from which a usual distance can be read. */
const USUAL_MIN = 96;
/** Median of the absolute value of a normal variable, to its standard deviation. */
const NORMAL = 1.4826;
/** The value that 39 in 40 are not above, to the same. */
const NORMAL_TAIL = 0.5102;
const TAIL_IN = 40;
/** The tail says at most so many times what the median says: anomalies of that week are a part of it. */
const TAIL_TIMES_MAX = 2;

/** In units of {@link distance}. */
export interface UsualDistance {
  readonly above: number;
  readonly below: number;
}

/** What is known of a metric: its values by number of window (`NaN`: none), and their distances from the season. */
export interface MetricHistory {
  valueAt(metric: number, window: number): number;
  distanceAt(metric: number, window: number): number;
}

/** Windows of one length, numbered from the epoch. */
export class Season {
  readonly windowMs: number;
  readonly perHour: number;
  readonly perDay: number;
  readonly perWeek: number;
  private readonly history: MetricHistory;
  private readonly values: number[] = [];

  constructor(windowMs: number, history: MetricHistory) {
    this.windowMs = windowMs;
    this.perHour = HOUR_MS / windowMs;
    this.perDay = DAY_MS / windowMs;
    this.perWeek = WEEK_MS / windowMs;
    this.history = history;
  }

  /**
   * Median over the windows of the same hour of the week in the weeks before; null before two of these
   * have any. Hours without values are left out, and one outlier moves it little.
   */
  expected(metric: number, window: number): number | null {
    const { values, perHour, perWeek } = this;
    const hour = Math.floor(window / perHour) * perHour;
    values.length = 0;
    let weeks = 0;
    for (let week = 1; week <= SEASON_WEEKS; week++) {
      const before = values.length;
      for (let at = hour - week * perWeek, end = at + perHour; at < end; at++) {
        const value = this.history.valueAt(metric, at);
        if (!Number.isNaN(value)) values.push(value);
      }
      if (values.length > before) weeks += 1;
    }
    return weeks < SEASON_WEEKS_MIN ? null : median(values);
  }

  /**
   * How far from its season the metric usually is, as {@link distance} measures it, at least 1; null before
   * enough is known. All slots of the week together, so that a slot with few weeks has a measure too. Above,
   * the tail counts as well as the median: what comes seldom and in unlike sizes, as revenue, now and then
   * is far above its season, and never as far below.
   */
  usualDistance(metric: number, day: number): UsualDistance | null {
    const { values, perDay } = this;
    values.length = 0;
    for (let at = (day - USUAL_DAYS.first) * perDay; at < (day - USUAL_DAYS.last + 1) * perDay; at++) {
      const distance = this.history.distanceAt(metric, at);
      if (!Number.isNaN(distance)) values.push(distance);
    }
    if (values.length < USUAL_MIN) return null;
    values.sort((a, b) => a - b);
    const tail = values[Math.ceil((values.length * (TAIL_IN - 1)) / TAIL_IN) - 1];
    for (let i = 0; i < values.length; i++) values[i] = Math.abs(values[i]);
    const below = Math.max(1, NORMAL * median(values));
    return { above: Math.max(below, Math.min(NORMAL_TAIL * tail, TAIL_TIMES_MAX * below)), below };
  }

  /** Windows up to `newest` whose judgement looks back on this one. */
  *after(window: number, newest: number): IterableIterator<number> {
    const { perHour, perDay, perWeek } = this;
    const hour = Math.floor(window / perHour) * perHour;
    for (let week = 1; week <= SEASON_WEEKS; week++) {
      const from = hour + week * perWeek;
      for (let at = from; at < from + perHour && at <= newest; at++) yield at;
    }
    const day = this.dayOf(window);
    const end = (day + USUAL_DAYS.first + 1) * perDay;
    for (let at = (day + USUAL_DAYS.last) * perDay; at < end && at <= newest; at++) yield at;
  }

  dayOf(window: number): number {
    return Math.floor(window / this.perDay);
  }
}

/** Distance of a value from its season. The variance of sums of arrivals grows as their mean does. */
export function distance(value: number, expected: number): number {
  return (value - expected) / Math.sqrt(Math.max(1, expected));
}

/** Of an even number of values the mean of the middle two; sorts in place. */
function median(values: number[]): number {
  values.sort((a, b) => a - b);
  const middle = values.length >>> 1;
  return values.length % 2 === 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}
