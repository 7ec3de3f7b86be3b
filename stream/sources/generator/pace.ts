import type { ShopOptions, ShopTruth } from "./shop-options.ts";

const HOUR_MS = 3_600_000;
const DAY_HOURS = 24;
/** The epoch began on a Thursday. */
const EPOCH_DAY = 3;
const SATURDAY = 5;
/** Most come at 15 h, fewest at 3 h. */
const CALM_HOUR = 9;
const SWING = 0.7;
const WEEKEND = 0.7;
const WEEK_MEAN = (SATURDAY + 2 * WEEKEND) / 7;

/** How many visits come, relative to the mean of a week. */
export class Pace {
  readonly surges: ShopTruth["surges"][number][] = [];
  readonly #hasSeason: boolean;
  #factor = 1;

  constructor({ hasSeason }: ShopOptions) {
    this.#hasSeason = hasSeason;
  }

  at(now: number): number {
    return this.usual(now) * this.#factor;
  }

  /** Without surges. The hours of a day are a sine, the days of a weekend lower; UTC. */
  usual(now: number): number {
    if (!this.#hasSeason) return 1;
    const hours = now / HOUR_MS;
    const day = (Math.floor(hours / DAY_HOURS) + EPOCH_DAY) % 7;
    const ofDay = 1 + SWING * Math.sin((2 * Math.PI * ((hours % DAY_HOURS) - CALM_HOUR)) / DAY_HOURS);
    return (ofDay * (day >= SATURDAY ? WEEKEND : 1)) / WEEK_MEAN;
  }

  begin(startTime: number, lengthMs: number, factor: number): ShopTruth["surges"][number] {
    const surge = { startTime, endTime: startTime + lengthMs, factor };
    this.#factor = factor;
    this.surges.push(surge);
    return surge;
  }

  end(): void {
    this.#factor = 1;
  }
}
