import type { SlotArray, StateSection } from "../../../schema/index.ts";
import { KEPT_WEEKS, type MetricHistory } from "./season.ts";

/** Metrics that are watched: those that came first. */
export const METRICS_MAX = 512;
const NEWEST = 0;

/** The last weeks of each metric, by window. */
export class MetricRing implements MetricHistory {
  /** Number of a metric's revisions by window, of its row and of its alert; whether the alert holds. */
  readonly rowRevisions: SlotArray<Int32Array>;
  readonly alertRevisions: SlotArray<Int32Array>;
  readonly raised: SlotArray<Uint8Array>;
  private readonly values: SlotArray<Float64Array>;
  private readonly distances: SlotArray<Float64Array>;
  private readonly firsts: SlotArray<Float64Array>;
  private readonly observed: SlotArray<Uint8Array>;
  private readonly numbers: SlotArray<Float64Array>;
  private readonly size: number;

  constructor(section: StateSection, perWeek: number) {
    this.size = KEPT_WEEKS * perWeek;
    this.values = section.float64("values", Number.NaN);
    this.distances = section.float64("distances", Number.NaN);
    this.rowRevisions = section.int32("row-revisions");
    this.alertRevisions = section.int32("alert-revisions");
    this.raised = section.uint8("raised");
    this.firsts = section.float64("firsts", Number.POSITIVE_INFINITY);
    this.observed = section.uint8("observed");
    this.observed.ensure(this.size);
    this.numbers = section.float64("ring-numbers");
    this.numbers.ensure(1);
    this.numbers.values[NEWEST] = Number.NEGATIVE_INFINITY;
    this.numbers.mark(NEWEST);
  }

  /** Metrics that have a value. */
  get metrics(): number {
    return this.firsts.length;
  }

  get newest(): number {
    return this.numbers.values[NEWEST];
  }

  /** Begins a window in which something came; windows that fall out of the ring are forgotten. */
  open(window: number): void {
    const newest = this.numbers.values[NEWEST];
    if (window > newest) {
      for (let empty = Math.max(0, newest + 1, window - this.size + 1); empty <= window; empty++)
        this.clear(empty);
      this.numbers.values[NEWEST] = window;
      this.numbers.mark(NEWEST);
    }
    this.observed.values[window % this.size] = 1;
    this.observed.mark(window % this.size);
  }

  isObserved(window: number): boolean {
    return this.isKept(window) && this.observed.values[window % this.size] === 1;
  }

  /** Sets a value; whether the metric was not known so early before. */
  set(metric: number, window: number, value: number): boolean {
    if (metric >= this.metrics) this.grow(metric + 1);
    const at = this.placeOf(metric, window);
    this.values.values[at] = value;
    this.values.mark(at);
    const isEarlier = window < this.firsts.values[metric];
    if (isEarlier) {
      this.firsts.values[metric] = window;
      this.firsts.mark(metric);
    }
    return isEarlier;
  }

  /** 0 where something came, but nothing for the metric; `NaN` where nothing came, or the metric was not known. */
  valueAt(metric: number, window: number): number {
    if (!this.isObserved(window)) return Number.NaN;
    const value = this.values.values[this.placeOf(metric, window)];
    return Number.isNaN(value) && window >= this.firsts.values[metric] ? 0 : value;
  }

  distanceAt(metric: number, window: number): number {
    return this.isKept(window) ? this.distances.values[this.placeOf(metric, window)] : Number.NaN;
  }

  setDistance(metric: number, window: number, distance: number): void {
    const at = this.placeOf(metric, window);
    this.distances.values[at] = distance;
    this.distances.mark(at);
  }

  placeOf(metric: number, window: number): number {
    return metric * this.size + (window % this.size);
  }

  private isKept(window: number): boolean {
    return window <= this.newest && window > this.newest - this.size;
  }

  private clear(window: number): void {
    this.observed.values[window % this.size] = 0;
    this.observed.mark(window % this.size);
    for (let metric = 0; metric < this.metrics; metric++) {
      const at = this.placeOf(metric, window);
      this.values.values[at] = Number.NaN;
      this.distances.values[at] = Number.NaN;
      for (const array of [this.rowRevisions, this.alertRevisions, this.raised]) {
        array.values[at] = 0;
        array.mark(at);
      }
      this.values.mark(at);
      this.distances.mark(at);
    }
  }

  private grow(metrics: number): void {
    this.firsts.ensure(metrics);
    for (const array of [this.values, this.distances, this.rowRevisions, this.alertRevisions, this.raised]) {
      array.ensure(metrics * this.size);
    }
  }
}
