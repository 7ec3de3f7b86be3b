import { type DemandOutlook, forecastFrom, reorderProposal, runoutDate } from "../../../ml/index.ts";
import type { Demand } from "./demand.ts";
import { Level, type LevelConfig, orderedUpToAtLeast, reorderQuantity, runoutTime } from "./stock-levels.ts";

/** A stock at a time, and what was taken of it before. */
export interface StockState {
  readonly productId: string;
  readonly warehouseId: string;
  readonly time: number;
  readonly stock: number;
  readonly reorderPoint: number;
  readonly level: number;
  readonly demand: Demand;
}

/** What a run-out is foreseen by. */
export const RUNOUT_SOURCES = ["forecast", "moving-rate"] as const;

export interface StockExpectation {
  /** ms; null: not foreseen. */
  readonly runoutTime: number | null;
  readonly runoutSource: (typeof RUNOUT_SOURCES)[number];
  readonly reorderQuantity: number;
}

/** Chance that a proposed order lasts for the configured time. */
const SERVICE_LEVEL = 0.95;

/**
 * When the stock is gone and what to order: by the demand that was forecast for the product in its
 * warehouse, and by the moving rate where none was, or it is over.
 */
export function expectStock(
  config: LevelConfig,
  state: StockState,
  outlook: DemandOutlook | null,
): StockExpectation {
  const made = outlook?.of(state) ?? null;
  const forecast = made === null ? null : forecastFrom(made, state.time);
  if (forecast === null) {
    return {
      runoutTime: runoutTime(state.stock, state.time, state.demand),
      runoutSource: "moving-rate",
      reorderQuantity: reorderQuantity(config, state, state.demand),
    };
  }
  const stock = Math.max(0, state.stock);
  const { expectedMs } = runoutDate(stock, forecast);
  const { units } = reorderProposal(forecast, {
    stock,
    leadTimeMs: 0,
    reviewTimeMs: config.inventoryCoverMs,
    serviceLevel: SERVICE_LEVEL,
  });
  return {
    runoutTime: expectedMs === null ? null : Math.floor(expectedMs),
    runoutSource: "forecast",
    reorderQuantity:
      state.level === Level.ok ? 0 : Math.max(units, orderedUpToAtLeast(config, state.reorderPoint) - stock),
  };
}
