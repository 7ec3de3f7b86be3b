import { describe, expect, it } from "vitest";
import { createRandom } from "../../../training/random.ts";
import { autoArima } from "./arima.ts";
import { fitCss } from "./arima-css.ts";
import { autoEts, fitEts, forecastEts } from "./ets.ts";
import { autoTsb, croston, sba, tsb } from "./intermittent.ts";
import { forecastLocally, LOCAL_METHODS, prepareSeries } from "./local-methods.ts";
import { clipOutliers } from "./outliers.ts";
import { AIR_PASSENGERS, NILE } from "./reference-series.fixture.ts";
import { addSeason, findSeasonality, removeSeason, type Seasonality } from "./seasonality.ts";
import { forecastTheta } from "./theta.ts";

const NONE: Seasonality = { kind: "none", indices: new Float64Array(), strength: 0 };
const DEMAND = Float64Array.from([0, 0, 3, 0, 0, 0, 5, 2, 0, 0, 0, 0, 4, 0, 1, 0, 0, 6, 0, 0]);

/** Largest deviation of any value from the reference, as a share of it. */
function deviation(values: ArrayLike<number>, reference: readonly number[]): number {
  return Math.max(...reference.map((value, i) => Math.abs(values[i] - value) / Math.abs(value)));
}

/** Standard normal numbers (Box and Muller). */
function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

describe("exponential smoothing", () => {
  it("fits the Nile as statsmodels does", () => {
    // statsmodels 0.15.0, SimpleExpSmoothing, initialization_method="estimated".
    const fit = fitEts(NILE, { error: "A", trend: "N", season: "N" }, NONE)!;
    expect(fit.alpha).toBeCloseTo(0.2457, 2);
    expect(fit.squaredError / 2_038_674.43).toBeCloseTo(1, 5);
    expect(deviation(forecastEts(fit, 1), [805.316])).toBeLessThan(0.002);
  });

  it("fits a damped trend at least as closely as statsmodels does", () => {
    // statsmodels 0.15.0, ExponentialSmoothing, trend="add", damped_trend=True: sum of squares.
    const fit = fitEts(NILE, { error: "A", trend: "Ad", season: "N" }, NONE)!;
    expect(fit.squaredError).toBeLessThan(2_023_371.45);
    expect(fit.phi).toBeGreaterThanOrEqual(0.8);
  });

  it("chooses the models and forecasts of statsforecast's AutoETS", () => {
    const nile = autoEts(NILE, NONE)!;
    expect(nile.spec).toEqual({ error: "M", trend: "N", season: "N" });
    expect(deviation(forecastEts(nile, 2), [839.147, 839.147])).toBeLessThan(0.001);
    const air = autoEts(AIR_PASSENGERS, findSeasonality(AIR_PASSENGERS, 12))!;
    expect(air.spec).toMatchObject({ error: "M", season: "M" });
    const reference = [442.357, 428.267, 492.975, 477.37, 477.603, 535.858];
    expect(deviation(forecastEts(air, 6), reference)).toBeLessThan(0.035);
  });

  it("follows a straight line without error", () => {
    const line = Float64Array.from({ length: 40 }, (_, t) => 100 + 3 * t);
    const fit = fitEts(line, { error: "A", trend: "A", season: "N" }, NONE)!;
    expect(deviation(forecastEts(fit, 3), [220, 223, 226])).toBeLessThan(1e-3);
  });
});

describe("theta", () => {
  const season = findSeasonality(AIR_PASSENGERS, 12);
  // statsforecast 2.1.1: Theta, OptimizedTheta, DynamicTheta, DynamicOptimizedTheta.
  it.each([
    { dynamic: false, optimised: false, nile: [800.885, 799.528], air: [440.969, 429.249, 490.693, 476.66] },
    { dynamic: false, optimised: true, nile: [799.195, 796.481], air: [442.943, 432.231, 495.308, 482.308] },
    { dynamic: true, optimised: false, nile: [783.033, 781.677], air: [440.774, 429.062, 490.483, 476.461] },
    { dynamic: true, optimised: true, nile: [798.23, 798.23], air: [442.927, 432.298, 495.482, 482.575] },
  ])("equals statsforecast with dynamic $dynamic, optimised $optimised", ({ nile, air, ...options }) => {
    expect(deviation(forecastTheta(NILE, 2, options), nile)).toBeLessThan(0.001);
    const adjusted = removeSeason(AIR_PASSENGERS, season);
    const forecast = addSeason(forecastTheta(adjusted, 4, options), AIR_PASSENGERS.length, season);
    expect(deviation(forecast, air)).toBeLessThan(0.001);
  });
});

describe("ARIMA", () => {
  it("recovers the coefficients that made a series", () => {
    const random = createRandom(3);
    const values = new Float64Array(3000);
    let before = 0;
    for (let t = 0; t < values.length; t++) {
      const shock = normal(random);
      values[t] = 10 + 0.6 * ((t > 0 ? values[t - 1] : 10) - 10) + shock + 0.3 * before;
      before = shock;
    }
    const order = { p: 1, q: 1, seasonalP: 0, seasonalQ: 0, period: 0, constant: true };
    const { parameters, squaredError } = fitCss(values, order)!;
    expect(parameters[1]).toBeCloseTo(0.6, 1);
    expect(parameters[2]).toBeCloseTo(0.3, 1);
    expect(squaredError / values.length).toBeCloseTo(1, 1);
  });

  it("comes near statsforecast's AutoARIMA", () => {
    const nile = autoArima(NILE, 6, NONE)!;
    expect(nile.order.d).toBe(1);
    expect(deviation(nile.mean, [815.74, 833.879, 838.223, 839.263])).toBeLessThan(0.01);
    const air = autoArima(AIR_PASSENGERS, 6, findSeasonality(AIR_PASSENGERS, 12))!;
    expect(air.order).toMatchObject({ d: 1, seasonalD: 1 });
    expect(deviation(air.mean, [444.31, 418.214, 446.243, 488.234, 499.237, 562.236])).toBeLessThan(0.03);
  });
});

describe("intermittent demand", () => {
  it("equals statsforecast's Croston and SBA", () => {
    expect(croston(DEMAND, 0.1)).toBeCloseTo(1.0894141004943498, 10);
    expect(sba(DEMAND, 0.1)).toBeCloseTo(1.0349433954696323, 10);
  });

  it("smooths size and probability apart (TSB), from their means", () => {
    // By hand: size 4, probability 1/2; no demand: 1/2 · 0.9; demand of 6: size 4.2, 0.45 + 0.1 · 0.55.
    expect(tsb(Float64Array.from([0, 6]), { alpha: 0.1, beta: 0.1 })).toBeCloseTo(6 * (0.45 + 0.055), 10);
    const stopped = Float64Array.from([...DEMAND, ...new Array(60).fill(0)]);
    expect(autoTsb(stopped)).toBeLessThan(0.3 * croston(stopped, 0.1));
  });

  it("forecasts nothing where nothing was sold", () => {
    const nothing = new Float64Array(12);
    expect([croston(nothing, 0.1), sba(nothing, 0.1), autoTsb(nothing)]).toEqual([0, 0, 0]);
  });
});

describe("season and outliers", () => {
  it("finds the pattern that made a series, and none in noise", () => {
    const random = createRandom(5);
    const made = Float64Array.from(
      { length: 96 },
      (_, t) => (50 + t) * (1 + 0.3 * Math.sin((t * Math.PI) / 6)),
    );
    const found = findSeasonality(made, 12);
    expect(found.kind).toBe("multiplicative");
    expect(found.indices[3]).toBeCloseTo(1.3, 1);
    expect(
      findSeasonality(
        Float64Array.from({ length: 96 }, () => normal(random)),
        12,
      ).kind,
    ).toBe("none");
    const withNegative = made.map((value, t) => value - 80 - t);
    expect(findSeasonality(withNegative, 12).kind).toBe("additive");
  });

  it("clips a wholesale order of 74,215 units and leaves ordinary weeks alone", () => {
    const weeks = Float64Array.from([12, 30, 0, 18, 25, 74_215, 40, 22, 9, 31, 16, 28]);
    const clipped = clipOutliers(weeks, { deviationsMax: 6, period: 1 });
    expect(clipped[5]).toBeLessThan(120);
    expect(clipped.filter((_, t) => t !== 5)).toEqual(weeks.filter((_, t) => t !== 5));
  });
});

describe("outliers of a season", () => {
  const days = (saturday: number, weekend: number): Float64Array => {
    const random = createRandom(7);
    return Float64Array.from({ length: 12 * 7 }, (_, t) =>
      Math.round((t % 7 === 5 ? saturday : t % 7 === 6 ? weekend : 5) * (0.8 + 0.4 * random())),
    );
  };

  it.each([
    [60, 60],
    [40, 5],
  ])("are not its own peaks of %i and %i", (saturday, weekend) => {
    const values = days(saturday, weekend);
    expect(clipOutliers(values, { deviationsMax: 6, period: 7 })).toEqual(values);
  });

  it("are cut on a peak's day, too, and leave the days beside them as they were", () => {
    const values = days(60, 60);
    const withOrders = values.map((value, t) => (t === 5 + 7 * 6 || t === 3 ? 5000 : value));
    const clipped = clipOutliers(withOrders, { deviationsMax: 6, period: 7 });
    expect(clipped[5 + 7 * 6]).toBeLessThan(150);
    expect(clipped[3]).toBeLessThan(25);
    expect(clipped.filter((_, t) => t !== 5 + 7 * 6 && t !== 3)).toEqual(
      values.filter((_, t) => t !== 5 + 7 * 6 && t !== 3),
    );
  });
});

describe("every local method", () => {
  const random = createRandom(9);
  it.each([
    ["one value", [7]],
    ["two values", [7, 9]],
    ["a constant", new Array(40).fill(5)],
    ["zeros", new Array(40).fill(0)],
    ["one sale ever", [...new Array(39).fill(0), 4]],
    ["huge values", Array.from({ length: 40 }, () => 1e12 * (1 + random()))],
    ["tiny values", Array.from({ length: 40 }, () => 1e-9 * (1 + random()))],
    ["negative values", Array.from({ length: 40 }, () => random() - 5)],
    ["a season of two values", Array.from({ length: 41 }, (_, t) => 1 + (t % 2))],
  ])("forecasts %s with finite numbers", (_, values) => {
    for (const period of [1, 2, 12, 52]) {
      const out = new Float64Array(LOCAL_METHODS.length * 6).fill(Number.NaN);
      const series = Float64Array.from(values as number[]);
      forecastLocally(prepareSeries(series, period), 6, out);
      expect(out.every(Number.isFinite)).toBe(true);
      const largest = series.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      expect(out.every((value) => Math.abs(value) <= 20 * largest)).toBe(true);
    }
  });

  it("is exact on a constant", () => {
    const out = new Float64Array(LOCAL_METHODS.length * 2);
    forecastLocally(prepareSeries(new Float64Array(30).fill(5), 7), 2, out);
    for (const value of out) expect(value).toBeCloseTo(5, 3);
  });
});
