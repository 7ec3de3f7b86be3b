import type { Demand } from "./demand.ts";

export const LEVELS = ["ok", "low", "out"] as const;
export const Level = { ok: 0, low: 1, out: 2 } as const;
/** What a change to a level is called, by level. */
export const ALERT_KINDS = ["stock-recovery", "low-stock", "stock-out"] as const;
export const NO_REORDER_POINT = -1;

export interface LevelConfig {
  readonly inventoryLowUnits: number;
  readonly inventoryCoverMs: number;
}

export function levelOf(config: LevelConfig, stock: number, reorderPoint: number): number {
  if (stock <= 0) return Level.out;
  return stock < config.inventoryLowUnits || stock <= reorderPoint ? Level.low : Level.ok;
}

/** A run-out farther away than this is none, ms. */
const RUNOUT_MS_MAX = 10 * 365 * 86_400_000;

/** When the stock is gone, ms; null where nothing is taken, or not before years. */
export function runoutTime(stock: number, time: number, demand: Demand): number | null {
  if (demand.units <= 0) return null;
  const left = Math.floor((Math.max(0, stock) * demand.ms) / demand.units);
  return left > RUNOUT_MS_MAX ? null : time + left;
}

/**
 * Units to order so that the stock covers the configured time at this demand, and at least twice the
 * level at which it counts as low.
 */
export function reorderQuantity(
  config: LevelConfig,
  {
    stock,
    reorderPoint,
    level,
  }: { readonly stock: number; readonly reorderPoint: number; readonly level: number },
  demand: Demand,
): number {
  if (level === Level.ok) return 0;
  const covered = demand.ms === 0 ? 0 : Math.ceil((demand.units * config.inventoryCoverMs) / demand.ms);
  return Math.max(covered, orderedUpToAtLeast(config, reorderPoint)) - Math.max(0, stock);
}

/** Units up to which is ordered at least. */
export function orderedUpToAtLeast({ inventoryLowUnits }: LevelConfig, reorderPoint: number): number {
  return 2 * Math.max(inventoryLowUnits, reorderPoint);
}
