/** What a generated shop is like. Everything it does is a function of these values alone. */
export interface ShopOptions {
  readonly seed: number;
  /** Event time of the first event, ms. */
  readonly startTime: number;
  /** Customer events of a second of event time, on average; less than one makes weeks of a small shop. */
  readonly eventsPerSecond: number;
  /** After so many customer events, duplicates and malformed ones with them, it ends. */
  readonly customerEventsMax: number;
  readonly users: number;
  readonly products: number;
  readonly categories: number;
  /** Shares of customer events, 0 to 1. */
  readonly malformedShare: number;
  /** Sent a second time, byte for byte, up to 5 s later. */
  readonly duplicateShare: number;
  /** Sent up to 2 s after their time. */
  readonly outOfOrderShare: number;
  /** Sent 3 to 50 s after their time. */
  readonly lateShare: number;
  /** Sent 70 to 180 s after their time. */
  readonly tooLateShare: number;
  /** A product that many look at and nobody buys: the first after 3 s, then one every so often; 0 plants none. */
  readonly flashSaleEveryMs: number;
  /** Rings that order in quick succession across borders: the first after 5 s; 0 plants none. */
  readonly fraudRingEveryMs: number;
  /** Time from an order to its fraud label. */
  readonly labelDelayMs: number;
  /** How many of the most popular products run out and are not stocked up. */
  readonly stockOuts: number;
  /** Least units of the others at the opening; five times as many at most. */
  readonly stockUnits: number;
  /** Whether visits follow the hour of the week, with a quiet night and weekend; else they come evenly. */
  readonly hasSeason: boolean;
  /** Two hours in which far more or far fewer come than usual, by day, about every so often; 0 plants none. */
  readonly surgeEveryMs: number;
  /** None before so long after the start. */
  readonly surgeFirstMs: number;
}

export const SHOP_DEFAULTS: ShopOptions = {
  seed: 1,
  startTime: Date.UTC(2026, 0, 1),
  eventsPerSecond: 200,
  customerEventsMax: Number.MAX_SAFE_INTEGER,
  users: 20_000,
  products: 2000,
  categories: 40,
  malformedShare: 0.001,
  duplicateShare: 0.005,
  outOfOrderShare: 0.1,
  lateShare: 0.005,
  tooLateShare: 0.0005,
  flashSaleEveryMs: 120_000,
  fraudRingEveryMs: 45_000,
  labelDelayMs: 300_000,
  stockOuts: 3,
  stockUnits: 200,
  hasSeason: false,
  surgeEveryMs: 0,
  surgeFirstMs: 0,
};

/**
 * Intervals of flash sales and rings that keep them the share of the traffic that they are at the default
 * rate: a slower shop has fewer, else most of what it does would be planted. A faster one has no more.
 */
export function plantIntervals(
  eventsPerSecond: number,
): Pick<ShopOptions, "flashSaleEveryMs" | "fraudRingEveryMs"> {
  const times = Math.max(1, SHOP_DEFAULTS.eventsPerSecond / eventsPerSecond);
  return {
    flashSaleEveryMs: SHOP_DEFAULTS.flashSaleEveryMs * times,
    fraudRingEveryMs: SHOP_DEFAULTS.fraudRingEveryMs * times,
  };
}

/**
 * How a ring goes about it. `bold`: an order every 2 s, shipped to a country where few honest ones go;
 * `slow`: an order a minute; `local`: few orders, shipped within the member's own country.
 */
export type RingStyle = "bold" | "slow" | "local";

/** What was planted: the answers that a pipeline reading the events has to find. Times are event times, ms. */
export interface ShopTruth {
  readonly options: ShopOptions;
  readonly customerEvents: {
    /** Different, well-formed events that arrived. */
    readonly valid: number;
    readonly byType: Readonly<Record<string, number>>;
    readonly duplicates: number;
    readonly malformed: Readonly<Record<string, number>>;
    readonly outOfOrder: number;
    readonly late: number;
    readonly tooLate: number;
  };
  readonly sessions: number;
  readonly orders: number;
  readonly flashSales: readonly {
    readonly productId: string;
    readonly startTime: number;
    readonly endTime: number;
    readonly views: number;
  }[];
  readonly fraudRings: readonly {
    readonly deviceId: string;
    readonly userIds: readonly string[];
    readonly orderIds: readonly string[];
    readonly startTime: number;
    readonly style: RingStyle;
  }[];
  readonly stockOuts: readonly StockChange[];
  /** When a stock fell below {@link LOW_STOCK_UNITS}, or was below it at the opening. */
  readonly stockLows: readonly StockChange[];
  readonly restocks: readonly StockChange[];
  /** Orders that no payment was authorized for so far. */
  readonly unpaidOrderIds: readonly string[];
  /** Times as many visits as usual, `factor`, from `startTime` to `endTime`. */
  readonly surges: readonly {
    readonly startTime: number;
    readonly endTime: number;
    readonly factor: number;
  }[];
}

/** Units below which the truth calls a stock low. */
export const LOW_STOCK_UNITS = 100;

export interface StockChange {
  readonly productId: string;
  readonly time: number;
}
