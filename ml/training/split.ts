import type { Dataset } from "../plugin.ts";
import { selectRows } from "./row-reservoir.ts";

export interface TimeSplit {
  readonly train: Dataset;
  readonly validation: Dataset;
  /** Validation begins here, ms. */
  readonly cutMs: number;
  readonly straddling: Straddling;
}

/** What became of the groups that straddle the cut: left out, unless little would remain. */
export type Straddling = "left-out" | "in-training";

/** Share of the rows that a strict split must keep; below it, short groups alone would be left. */
const KEPT_SHARE_MIN = 0.75;

/**
 * Splits by time: groups that begin at or after the cut are for validation, groups that ended more
 * than `embargoMs` before it for training (their labels were known by then). Groups between the two
 * are in neither. The cut is where `trainShare` of the rows are older.
 */
export function splitByTime(
  dataset: Dataset,
  options: { readonly trainShare: number; readonly embargoMs: number },
): TimeSplit {
  const ordered = dataset.times.slice().sort();
  const cutMs = ordered[Math.min(dataset.rows - 1, Math.floor(dataset.rows * options.trainShare))] ?? 0;
  const first = new Map<number, number>();
  const last = new Map<number, number>();
  for (let row = 0; row < dataset.rows; row++) {
    const group = dataset.groups[row];
    const time = dataset.times[row];
    first.set(group, Math.min(first.get(group) ?? time, time));
    last.set(group, Math.max(last.get(group) ?? time, time));
  }
  const rowsWhere = (holds: (group: number) => boolean): Int32Array =>
    Int32Array.from({ length: dataset.rows }, (_, row) => row).filter((row) => holds(dataset.groups[row]));
  const endOf = (group: number): number => last.get(group) ?? cutMs;
  const validation = rowsWhere((group) => (first.get(group) ?? 0) >= cutMs);
  const strict = rowsWhere((group) => endOf(group) < cutMs - options.embargoMs);
  const keepsEnough = strict.length + validation.length >= dataset.rows * KEPT_SHARE_MIN;
  const training = keepsEnough ? strict : rowsWhere((group) => (first.get(group) ?? 0) < cutMs);
  return {
    train: selectRows(dataset, training),
    validation: selectRows(dataset, validation),
    cutMs,
    straddling: keepsEnough ? "left-out" : "in-training",
  };
}
