import type { DemandForecasts, DemandKey } from "../../ml/plugins/forecast/index.ts";
import type { DemandForecastRecord, DemandStepsRecord } from "../../stream/index.ts";

/** The hot record of each product: its forecasts, and those of its warehouses. */
export function demandRecords(
  forecasts: readonly DemandForecasts[],
  made: { readonly madeAt: number; readonly modelVersion: string },
): Map<string, DemandForecastRecord> {
  type Draft = Pick<DemandForecastRecord, "daily"> & Partial<DemandForecastRecord>;
  const places = new Map<string, Map<string, Draft>>();
  for (const forecast of forecasts) {
    forecast.keys.forEach((key, s) => {
      const ofProduct = places.get(key.productId) ?? new Map<string, Draft>();
      places.set(key.productId, ofProduct);
      const name = nameOf(key);
      const steps = stepsOf(forecast, s);
      const known = ofProduct.get(name);
      ofProduct.set(
        name,
        forecast.step === "day" ? { ...known, daily: steps } : { ...(known as Draft), weekly: steps },
      );
    });
  }
  const records = new Map<string, DemandForecastRecord>();
  for (const [productId, drafts] of places) {
    const all = drafts.get(ALL);
    if (all === undefined) continue;
    const warehouses = [...drafts]
      .filter(([name]) => name !== ALL)
      .map(([name, { daily, weekly = null }]) => ({
        warehouseId: name.slice(1),
        dailyRate: meanOf(daily.mean),
        daily,
        weekly,
      }));
    records.set(productId, {
      productId,
      ...made,
      dailyRate: meanOf(all.daily.mean),
      daily: all.daily,
      weekly: all.weekly ?? null,
      warehouses,
    });
  }
  return records;
}

const ALL = "all";

/** A warehouse's id behind a sign, so that none is taken for {@link ALL}. */
function nameOf({ warehouseId }: DemandKey): string {
  return warehouseId === null ? ALL : `:${warehouseId}`;
}

function stepsOf(forecast: DemandForecasts, s: number): DemandStepsRecord {
  const { horizon, startMs, stepMs } = forecast;
  const part = (values: Float64Array): number[] =>
    Array.from(values.subarray(s * horizon, (s + 1) * horizon), round3);
  return {
    startMs,
    stepMs,
    mean: part(forecast.mean),
    lower80: part(forecast.lower80),
    upper80: part(forecast.upper80),
    lower95: part(forecast.lower95),
    upper95: part(forecast.upper95),
  };
}

function meanOf(values: readonly number[]): number {
  return round3(values.reduce((total, value) => total + value, 0) / values.length);
}

function round3(value: number): number {
  return Math.round(value * 1000) / 1000;
}
