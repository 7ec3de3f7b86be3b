import type { SlotArray, StateSection } from "../../../schema/index.ts";

/** Demand is measured over so many steps. */
export const DEMAND_STEPS = 48;
/** The step of the update, and one more: late updates fall into the step before. */
const RING = DEMAND_STEPS + 2;
/** More units of one step than this count as so many: they are kept as 32-bit integers. */
const UNITS_MAX = 2 ** 31 - 1;
const NEWEST = 0;
const FIRST = 1;

/** Units taken from a stock in a moving time: whole steps, so that late updates change few figures. */
export interface Demand {
  readonly units: number;
  readonly ms: number;
}

/** Units taken from each line of stock, by steps of event time in a ring. */
export class DemandRings {
  readonly stepMs: number;
  private readonly units: SlotArray<Int32Array>;
  private readonly bounds: SlotArray<Float64Array>;

  /** @param stepMs longer than event time is live */
  constructor(section: StateSection, stepMs: number) {
    this.stepMs = stepMs;
    this.units = section.int32("demand");
    this.bounds = section.float64("demand-steps", Number.NaN);
  }

  /** Notes an update of the line, which took so many units. */
  add(line: number, time: number, units: number): void {
    this.units.ensure((line + 1) * RING);
    this.bounds.ensure((line + 1) * 2);
    const step = Math.floor(time / this.stepMs);
    const { values: bounds } = this.bounds;
    const at = line * 2;
    if (!(bounds[at + NEWEST] >= step)) this.turn(line, step);
    if (!(bounds[at + FIRST] <= step)) bounds[at + FIRST] = step;
    this.bounds.mark(at);
    this.bounds.mark(at + FIRST);
    const slot = line * RING + (step % RING);
    const { values } = this.units;
    values[slot] = Math.min(values[slot] + units, UNITS_MAX);
    this.units.mark(slot);
  }

  /** Demand before the step of this time, which is one of the newest two. */
  before(line: number, time: number): Demand {
    const step = Math.floor(time / this.stepMs);
    const first = Math.max(this.bounds.values[line * 2 + FIRST], step - DEMAND_STEPS);
    let units = 0;
    for (let at = first; at < step; at++) units += this.units.values[line * RING + (at % RING)];
    return { units, ms: (step - first) * this.stepMs };
  }

  /** Empties the places of the steps between the newest and this one. */
  private turn(line: number, step: number): void {
    const at = line * 2 + NEWEST;
    const newest = this.bounds.values[at];
    const from = Number.isNaN(newest) ? step - RING + 1 : Math.max(newest + 1, step - RING + 1);
    for (let empty = Math.max(0, from); empty <= step; empty++)
      this.units.values[line * RING + (empty % RING)] = 0;
    this.units.markRange(line * RING, (line + 1) * RING);
    this.bounds.values[at] = step;
  }
}
