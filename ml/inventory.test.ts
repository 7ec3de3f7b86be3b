import { describe, expect, it } from "vitest";
import { type DemandForecast, forecastFrom, reorderProposal, runoutDate } from "./inventory.ts";

const DAY = 86_400_000;

/** Ten units a day, between 6 and 16 with 80 %. */
const STEADY: DemandForecast = {
  mean: new Float64Array(14).fill(10),
  lower80: new Float64Array(14).fill(6),
  upper80: new Float64Array(14).fill(16),
  stepMs: DAY,
  startMs: 1000 * DAY,
};

describe("runout", () => {
  it("is where expected demand reaches the stock, within a step in proportion", () => {
    const { expectedMs, earliestMs, latestMs } = runoutDate(45, STEADY);
    expect(expectedMs).toBe(1004.5 * DAY);
    // At the upper end: 30 + 6·√3 = 40.4 after three days, 40 + 6·√4 = 52 after four.
    expect(earliestMs! / DAY).toBeCloseTo(1003 + (45 - 40.392) / (52 - 40.392), 2);
    expect(latestMs! / DAY).toBeGreaterThan(1005);
    expect(latestMs! / DAY).toBeLessThan(1006);
  });

  it("is at once without stock, and unknown beyond the forecast or without demand", () => {
    expect(runoutDate(0, STEADY)).toEqual({
      expectedMs: STEADY.startMs,
      earliestMs: STEADY.startMs,
      latestMs: STEADY.startMs,
    });
    expect(runoutDate(1000, STEADY)).toEqual({ expectedMs: null, earliestMs: null, latestMs: null });
    const zero = new Float64Array(5);
    expect(runoutDate(1, { ...STEADY, mean: zero, lower80: zero, upper80: zero }).expectedMs).toBeNull();
  });
});

describe("the forecast as of a time within it", () => {
  const rising: DemandForecast = {
    ...{ startMs: 1000 * DAY, stepMs: DAY },
    mean: Float64Array.of(10, 20, 40),
    lower80: Float64Array.of(8, 18, 38),
    upper80: Float64Array.of(12, 22, 42),
  };

  it("has of each step what is left of it, and of the next one the rest", () => {
    const later = forecastFrom(rising, 1000.75 * DAY);
    expect(later).toEqual({
      ...{ startMs: 1000.75 * DAY, stepMs: DAY },
      mean: Float64Array.of(17.5, 35),
      lower80: Float64Array.of(15.5, 33),
      upper80: Float64Array.of(19.5, 37),
    });
    // A quarter of the first day and all of the second are 22.5 units.
    expect(runoutDate(22.5, later!).expectedMs).toBeCloseTo((1001.75 + 5 / 35) * DAY, -1);
    expect(forecastFrom(rising, rising.startMs)).toEqual(rising);
    expect(forecastFrom(rising, 1002 * DAY)?.mean).toEqual(Float64Array.of(40));
  });

  it("is none before it begins, and none where no whole step is left", () => {
    for (const day of [999.9, 1002.1, 1003, 1010]) expect(forecastFrom(rising, day * DAY)).toBeNull();
  });
});

describe("reorder proposal", () => {
  const times = { leadTimeMs: 3 * DAY, reviewTimeMs: 1 * DAY };

  it("fills up to the demand until the next delivery and its safety stock", () => {
    const even = reorderProposal(STEADY, { ...times, stock: 10, serviceLevel: 0.5 });
    expect(even.expectedDemand).toBe(40);
    expect(even.safetyStock).toBeCloseTo(0, 3);
    expect(even.units).toBe(30);
    // z(0.9) is that of the 80 % bounds: 6 units a day, times √4.
    const safe = reorderProposal(STEADY, { ...times, stock: 10, serviceLevel: 0.9 });
    expect(safe.safetyStock).toBeCloseTo(12, 3);
    expect(reorderProposal(STEADY, { ...times, stock: 10, serviceLevel: 0.9, packUnits: 24 }).units).toBe(48);
  });

  it("orders nothing where the stock lasts, and goes on with the last step beyond the forecast", () => {
    expect(reorderProposal(STEADY, { ...times, stock: 100, serviceLevel: 0.95 }).units).toBe(0);
    const long = reorderProposal(STEADY, { ...times, leadTimeMs: 20.5 * DAY, stock: 0, serviceLevel: 0.5 });
    expect(long.expectedDemand).toBeCloseTo(215, 6);
  });
});
