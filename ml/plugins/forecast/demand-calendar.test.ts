import { describe, expect, it } from "vitest";
import type { InputFile } from "../../evaluation.ts";
import { createRandom } from "../../training/random.ts";
import { adjustForCalendar, type CalendarDay, readCalendar } from "./demand-calendar.ts";
import { forecastLakeDemand } from "./forecast-demand.ts";
import { DAY_MS, type LakeDemand } from "./lake-demand.ts";

const LAST_DAY = Date.UTC(2026, 5, 28) / DAY_MS;
const LENGTH = 120;
const FIRST_DAY = LAST_DAY - LENGTH + 1;
/** Every product sells three times as much on a sale, and nothing on a holiday; `p1` has a promotion of its own. */
const DAYS: readonly CalendarDay[] = [
  ...[10, 40, 75, 100, LENGTH + 3].map((k) => ({ day: FIRST_DAY + k, name: "sale", productId: null })),
  ...[20, 61, LENGTH + 4].map((k) => ({ day: FIRST_DAY + k, name: "holiday", productId: null })),
  ...[30, 90, LENGTH + 5].map((k) => ({ day: FIRST_DAY + k, name: "promotion", productId: "p1" })),
];
const EFFECTS: Readonly<Record<string, number>> = { sale: 3, holiday: 0, promotion: 5 };

function demandOf(count: number): LakeDemand {
  const random = createRandom(3);
  const keys = Array.from({ length: count }, (_, s) => ({ productId: `p${s}`, warehouseId: null }));
  const series = keys.map(({ productId }) =>
    Float64Array.from({ length: LENGTH }, (_, k) => {
      const effect = DAYS.filter(
        (day) => day.day === FIRST_DAY + k && (day.productId === null || day.productId === productId),
      ).reduce((product, { name }) => product * EFFECTS[name], 1);
      return Math.round(effect * (20 + 10 * random()));
    }),
  );
  return { keys, series, lastDay: LAST_DAY };
}

function fileOf(text: string): InputFile {
  return { path: "calendar.csv", text: async () => text } as InputFile;
}

describe("a calendar of demand", () => {
  const demand = demandOf(30);

  it("finds what days of each name change, and what ordinary days would have been", () => {
    const { demand: ordinary, factor } = adjustForCalendar(demand, { days: DAYS });
    expect(factor(0, FIRST_DAY + LENGTH + 3)).toBeCloseTo(3, 0);
    expect(factor(0, FIRST_DAY + LENGTH + 4)).toBeLessThan(0.15);
    expect(factor(1, FIRST_DAY + LENGTH + 5)).toBeGreaterThan(2.5);
    expect(factor(0, FIRST_DAY + LENGTH + 5)).toBe(1);
    for (const k of [10, 40, 75, 100]) {
      expect(ordinary.series[0][k]).toBeGreaterThan(18);
      expect(ordinary.series[0][k]).toBeLessThan(33);
    }
    expect(ordinary.series[0][11]).toBe(demand.series[0][11]);
    // What was read is left as it was.
    expect(demand.series[0][10]).toBeGreaterThan(50);
  });

  it("gives each name its own part where days have several, whether or not they ever come apart", () => {
    const named = (name: string, ...places: number[]): CalendarDay[] =>
      places.map((k) => ({ day: FIRST_DAY + k, name, productId: null }));
    const made = (effects: Readonly<Record<string, number>>, days: readonly CalendarDay[]): LakeDemand => ({
      ...demand,
      series: demand.series.map(() =>
        Float64Array.from({ length: LENGTH }, (_, k) =>
          days
            .filter(({ day }) => day === FIRST_DAY + k)
            .reduce((units, { name }) => units * effects[name], 100),
        ),
      ),
    });
    // A holiday that halves demand lies mostly on days of a sale that triples it.
    const apart = [...named("sale", 10, 30, 50, 70, 90), ...named("holiday", 10, 30, 50, 75)];
    const { factor } = adjustForCalendar(made({ sale: 3, holiday: 0.5 }, apart), {
      days: [...apart, ...named("sale", LENGTH + 3), ...named("holiday", LENGTH + 4)],
    });
    expect(factor(0, FIRST_DAY + LENGTH + 3)).toBeCloseTo(3, 1);
    expect(factor(0, FIRST_DAY + LENGTH + 4)).toBeCloseTo(0.5, 1);
    expect(factor(0, FIRST_DAY + 10)).toBeCloseTo(1.5, 1);

    const together = [...named("sale", 10, 40, 70), ...named("bank holiday", 10, 40, 70)];
    const both = adjustForCalendar(made({ sale: 2, "bank holiday": 1 }, together), { days: together });
    expect(both.factor(0, FIRST_DAY + 10)).toBeCloseTo(2, 1);
    expect(both.demand.series[0][40]).toBeCloseTo(100, -1);

    const sale = named("sale", 10, 40, 70);
    const twice = sale.map((day) => ({ ...day, productId: "p0" }));
    const { factor: once } = adjustForCalendar(made({ sale: 2 }, sale), { days: [...sale, ...twice] });
    expect(once(0, FIRST_DAY + 10)).toBeCloseTo(2, 1);
  });

  it("changes the forecasts of its days and of their weeks alone", () => {
    const plain = forecastLakeDemand(adjustForCalendar(demand, { days: DAYS }).demand, {
      horizonDays: 7,
      seed: 1,
    });
    const [daily, weekly] = forecastLakeDemand(demand, { horizonDays: 7, seed: 1, calendar: { days: DAYS } });
    const ofFirst = Array.from({ length: 7 }, (_, h) => daily.mean[h] / plain[0].mean[h]);
    expect(ofFirst[0]).toBe(1);
    expect(ofFirst[3]).toBeCloseTo(3, 0);
    expect(ofFirst[4]).toBeLessThan(0.15);
    expect(ofFirst[5]).toBe(1);
    expect(daily.upper95[3]).toBeCloseTo(ofFirst[3] * plain[0].upper95[3], 9);
    const share = ofFirst.reduce((sum, factor) => sum + factor, 0) / 7;
    expect(weekly.mean[0] / plain[1].mean[0]).toBeCloseTo(share, 9);
  });

  it("says nothing of a name that never was, or that has no ordinary day beside it", () => {
    const day = FIRST_DAY + LENGTH + 3;
    expect(adjustForCalendar(demand, { days: [{ day, name: "new", productId: null }] }).factor(0, day)).toBe(
      1,
    );
    const always = Array.from({ length: LENGTH + 7 }, (_, k) => ({
      day: FIRST_DAY + k,
      name: "always",
      productId: null,
    }));
    const { demand: same, factor } = adjustForCalendar(demand, { days: always });
    expect(factor(0, day)).toBe(1);
    expect(same.series).toEqual(demand.series);
  });

  it("is read from a file, and refused with the line where it is none", async () => {
    const calendar = await readCalendar(
      fileOf("date,name,product_id\n2026-11-27,Black Friday,\n2026-12-01,promotion,p1\n"),
    );
    expect(calendar.days).toEqual([
      { day: Date.UTC(2026, 10, 27) / DAY_MS, name: "Black Friday", productId: null },
      { day: Date.UTC(2026, 11, 1) / DAY_MS, name: "promotion", productId: "p1" },
    ]);
    expect((await readCalendar(fileOf("date,name\n2026-11-27,x\n"))).days[0].productId).toBeNull();
    for (const [text, message] of [
      ["date,name\n27.11.2026,x\n", /line 2.*date is "27.11.2026"/],
      ["date,name\n2026-13-27,x\n", /line 2.*2026-13-27/],
      ["date,name\n2026-11-27,\n", /line 2.*name is empty/],
      ["day,name\n2026-11-27,x\n", /no column date/],
    ] as const) {
      await expect(readCalendar(fileOf(text))).rejects.toThrow(message);
    }
  });
});
