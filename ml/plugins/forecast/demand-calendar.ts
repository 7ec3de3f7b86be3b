import type { InputFile } from "../../evaluation.ts";
import { csvColumn, parseCsv } from "../../training/csv.ts";
import { unusableFile } from "../../training/input-file.ts";
import { DAY_MS, type DemandKey, type LakeDemand } from "./lake-demand.ts";

/** Promotions and holidays, past ones and those to come. */
export interface DemandCalendar {
  readonly days: readonly CalendarDay[];
}

export interface CalendarDay {
  /** UTC day, as days since 1970. */
  readonly day: number;
  /** Days of one name are taken to change demand alike. */
  readonly name: string;
  /** The product that is promoted; null: all products. */
  readonly productId: string | null;
}

/** Demand as it would have been on ordinary days, and what the days to come change. */
export interface CalendarAdjusted {
  readonly demand: LakeDemand;
  /** What demand of a series is multiplied by on a day. */
  factor(series: number, day: number): number;
}

const WEEK_DAYS = 7;
/** Weeks around a day whose same weekdays are its ordinary demand. */
const WEEKS_AROUND = 4;
/** Units of ordinary demand that speak for no change: a rare name moves little. */
const PRIOR_UNITS = 20;
const FACTOR_MAX = 10;
/** Passes over the names, of which each is fitted beside the others; days of one name alone need one. */
const PASSES = 30;

/**
 * Reads a calendar: CSV with `date` (2026-11-27), `name`, and where only one product is meant
 * `product_id`, empty for all. Rejects with code `file-unusable`, with the line.
 */
export async function readCalendar(file: InputFile): Promise<DemandCalendar> {
  const table = parseCsv(await file.text(), file.path);
  const [dateAt, nameAt] = ["date", "name"].map((name) => csvColumn(table, name));
  const productAt = table.header.indexOf("product_id");
  const days = table.rows.map((cells, row) => {
    const ms = /^\d{4}-\d{2}-\d{2}$/.test(cells[dateAt])
      ? Date.parse(`${cells[dateAt]}T00:00:00Z`)
      : Number.NaN;
    const line = row + 2;
    if (!Number.isFinite(ms))
      throw unusableFile(file.path, `date is "${cells[dateAt]}", not like 2026-11-27`, { line });
    if (cells[nameAt] === "") throw unusableFile(file.path, "name is empty", { line });
    return {
      day: ms / DAY_MS,
      name: cells[nameAt],
      productId: (productAt < 0 ? "" : cells[productAt]) || null,
    };
  });
  return { days };
}

/**
 * Takes the effect of promotions and holidays out of the history, so that the methods see ordinary
 * days, and gives it to the days to come: for each name one factor over all series that it concerns,
 * their demand on its days against the same weekdays around them, shrunk towards no change. A day of
 * several names has the product of their factors, which are fitted together.
 */
export function adjustForCalendar(demand: LakeDemand, calendar: DemandCalendar): CalendarAdjusted {
  const { keys, series, lastDay } = demand;
  const named = new Map<string, string[]>();
  for (const { day, name, productId } of calendar.days) {
    const place = placeOf(day, productId);
    named.set(place, [...(named.get(place) ?? []), name]);
  }
  // A name of all products that is also said of one is the same day's all the same.
  const namesAt = ({ productId }: DemandKey, day: number): readonly string[] => [
    ...new Set([...(named.get(placeOf(day, null)) ?? []), ...(named.get(placeOf(day, productId)) ?? [])]),
  ];
  const sums = new Map<string, NamedDemand>();
  forEachNamedDay(demand, calendar, (s, at, names) => {
    const ordinary = ordinaryUnits(series[s], at, (k) =>
      namesAt(keys[s], lastDay - series[s].length + 1 + k),
    );
    if (ordinary === null) return;
    const key = JSON.stringify(names);
    const sum = sums.get(key) ?? { names, actual: 0, ordinary: 0 };
    sums.set(key, { names, actual: sum.actual + series[s][at], ordinary: sum.ordinary + ordinary });
  });
  const factors = factorsOf([...sums.values()]);
  const factor = (s: number, day: number): number =>
    namesAt(keys[s], day).reduce((product, name) => product * (factors.get(name) ?? 1), 1);
  const ordinary = series.map((values) => values.slice());
  forEachNamedDay(demand, calendar, (s, at) => {
    ordinary[s][at] /= factor(s, lastDay - series[s].length + 1 + at);
  });
  return { demand: { ...demand, series: ordinary }, factor };

  function forEachNamedDay(
    { keys: all }: LakeDemand,
    { days }: DemandCalendar,
    visit: (s: number, at: number, names: readonly string[]) => void,
  ): void {
    const seen = new Set<number>(days.map(({ day }) => day));
    all.forEach((key, s) => {
      const first = lastDay - series[s].length + 1;
      for (const day of seen) {
        const names = day < first || day > lastDay ? [] : namesAt(key, day);
        if (names.length > 0) visit(s, day - first, names);
      }
    });
  }
}

/** Demand of all days that have the same names. */
interface NamedDemand {
  readonly names: readonly string[];
  readonly actual: number;
  readonly ordinary: number;
}

/**
 * Fits one factor a name, each in turn to what the others leave unexplained: iterative scaling, which finds the
 * maximum of the Poisson likelihood (Darroch and Ratcliff, 1972). By itself a name would also be given what others
 * on the same days did. Names that never come apart share their effect in the order in which they come.
 */
function factorsOf(days: readonly NamedDemand[]): ReadonlyMap<string, number> {
  const factors = new Map<string, number>();
  for (const { names } of days) for (const name of names) factors.set(name, 1);
  for (let pass = 0; pass < PASSES; pass++) {
    for (const name of factors.keys()) {
      let [actual, expected] = [PRIOR_UNITS, PRIOR_UNITS];
      for (const day of days) {
        if (!day.names.includes(name)) continue;
        actual += day.actual;
        expected += day.names.reduce(
          (units, other) => (other === name ? units : units * (factors.get(other) ?? 1)),
          day.ordinary,
        );
      }
      factors.set(name, Math.min(FACTOR_MAX, Math.max(1 / FACTOR_MAX, actual / expected)));
    }
  }
  return factors;
}

function placeOf(day: number, productId: string | null): string {
  return JSON.stringify([day, productId]);
}

/** Mean of the same weekdays around that have no name; null where there is none. */
function ordinaryUnits(
  values: Float64Array,
  at: number,
  namesAt: (k: number) => readonly string[],
): number | null {
  let [units, count] = [0, 0];
  for (let week = -WEEKS_AROUND; week <= WEEKS_AROUND; week++) {
    const k = at + week * WEEK_DAYS;
    if (week === 0 || k < 0 || k >= values.length || namesAt(k).length > 0) continue;
    units += values[k];
    count++;
  }
  return count === 0 ? null : units / count;
}
