import { describe, expect, it } from "vitest";
import { createRandom } from "../../training/random.ts";
import { forecastPanel, type PanelForecast } from "./panel-forecast.ts";

const HORIZON = 6;

/** Monthly sales with a season and noise; the last `HORIZON` values are what then came. */
function seasonalPanel(count: number, seed: number): Float64Array[] {
  const random = createRandom(seed);
  return Array.from({ length: count }, () => {
    const level = 100 + 900 * random();
    const turn = 6 * random();
    return Float64Array.from({ length: 72 + HORIZON }, (_, t) => {
      const season = 1 + 0.3 * Math.sin((t * Math.PI) / 6 + turn);
      return level * season * (1 + 0.1 * (random() + random() + random() - 1.5));
    });
  });
}

/** Intermittent demand of products that sell at different rates. */
function demandPanel(count: number, seed: number): Float64Array[] {
  const random = createRandom(seed);
  return Array.from({ length: count }, () => {
    const chance = 0.2 + 0.8 * random();
    const size = 1 + 20 * random();
    return Float64Array.from({ length: 50 + HORIZON }, () =>
      random() < chance ? Math.ceil(-size * Math.log(1 - random())) : 0,
    );
  });
}

function split(panel: readonly Float64Array[]): { past: Float64Array[]; coming: Float64Array } {
  const coming = new Float64Array(panel.length * HORIZON);
  panel.forEach((values, s) => {
    coming.set(values.subarray(values.length - HORIZON), s * HORIZON);
  });
  return { past: panel.map((values) => values.subarray(0, values.length - HORIZON)), coming };
}

function meanError(forecast: Float64Array, coming: Float64Array): number {
  return forecast.reduce((total, value, i) => total + Math.abs(value - coming[i]), 0) / coming.length;
}

function covered({ intervals }: PanelForecast, coming: Float64Array): number[] {
  return intervals.map(
    ({ lower, upper }) =>
      coming.filter((value, i) => value >= lower[i] && value <= upper[i]).length / coming.length,
  );
}

describe("a forecast of many series", () => {
  it("finds season and level, with intervals that hold what they say", () => {
    const { past, coming } = split(seasonalPanel(50, 1));
    const forecast = forecastPanel(past, { horizon: HORIZON, period: 12, seed: 1 });
    expect(forecast.demand).toBe(false);
    expect(meanError(forecast.mean, coming)).toBeLessThan(
      0.8 * meanError(forecast.candidate("seasonalNaive"), coming),
    );
    const [inner, outer] = covered(forecast, coming);
    expect(inner).toBeGreaterThan(0.74);
    expect(inner).toBeLessThan(0.86);
    expect(outer).toBeGreaterThan(0.91);
    expect(outer).toBeLessThan(0.985);
  });

  it("forecasts demand near its level, never below zero", () => {
    const { past, coming } = split(demandPanel(60, 2));
    const forecast = forecastPanel(past, { horizon: HORIZON, period: 1, seed: 1 });
    expect(forecast).toMatchObject({ demand: true, chosen: "median" });
    expect(meanError(forecast.mean, coming)).toBeLessThan(
      0.9 * meanError(forecast.candidate("naive"), coming),
    );
    const sum = (values: Float64Array): number => values.reduce((total, value) => total + value, 0);
    expect(Math.abs(sum(forecast.mean) / sum(coming) - 1)).toBeLessThan(0.15);
    for (const { lower, upper } of forecast.intervals) {
      expect(lower.every((value) => value >= 0)).toBe(true);
      expect(upper.every((value, i) => value >= lower[i])).toBe(true);
    }
    const [inner, outer] = covered(forecast, coming);
    expect(inner).toBeGreaterThan(0.75);
    expect(outer).toBeGreaterThan(0.92);
  });

  it("forecasts the peak of a week that sells little on other days", () => {
    const random = createRandom(6);
    const days = Float64Array.from({ length: 26 * 7 }, (_, t) =>
      Math.round((t % 7 === 5 ? 100 : t % 7 === 6 ? 60 : 5) * (0.8 + 0.4 * random())),
    );
    const { mean } = forecastPanel([days], { horizon: 7, period: 7, seed: 1, demand: true });
    expect(mean[5]).toBeGreaterThan(85);
    expect(mean[6]).toBeGreaterThan(50);
    expect(Math.max(...mean.subarray(0, 5))).toBeLessThan(8);
  });

  it("is the same for the same seed, and blind to what comes after", () => {
    const panel = demandPanel(15, 3);
    const { past } = split(panel);
    const options = { horizon: HORIZON, period: 1, seed: 7 };
    const first = forecastPanel(past, options);
    // The histories are views: what lies behind them in memory is the future.
    for (const values of panel) values.fill(1e6, values.length - HORIZON);
    const again = forecastPanel(past, options);
    expect(again.mean).toEqual(first.mean);
    expect(again.intervals).toEqual(first.intervals);
  });

  it("forecasts series that are too short for a back-test beside long ones", () => {
    const { past } = split(seasonalPanel(20, 4));
    const short = [Float64Array.of(40), Float64Array.of(40, 42, 41)];
    const forecast = forecastPanel([...past, ...short], { horizon: HORIZON, period: 12, seed: 1 });
    const tail = forecast.mean.subarray(20 * HORIZON);
    for (const value of tail) {
      expect(value).toBeGreaterThan(30);
      expect(value).toBeLessThan(55);
    }
  });

  it("forecasts a single value with an interval around it", () => {
    const forecast = forecastPanel([Float64Array.of(12)], { horizon: 2, period: 1, seed: 1 });
    for (const value of forecast.mean) expect(value).toBeCloseTo(12, 9);
    expect(forecast.intervals[0].lower[0]).toBeLessThan(12);
    expect(forecast.intervals[0].upper[1]).toBeGreaterThan(forecast.intervals[0].upper[0]);
  });

  it.each([
    ["is empty", new Float64Array()],
    ["has a value that is no number", Float64Array.of(1, Number.NaN, 2)],
    ["has a value that is no number", Float64Array.of(1, Number.POSITIVE_INFINITY)],
  ])("refuses a series that %s", (detail, values) => {
    const run = (): unknown =>
      forecastPanel([Float64Array.of(1), values], { horizon: 1, period: 1, seed: 1 });
    expect(run).toThrow(`series 1 cannot be forecast: it ${detail}`);
    expect(run).toThrow(expect.objectContaining({ code: "dataset-unusable" }));
  });
});
