import type { QualityKind, QualitySeverity, QualityStatus } from "../../schema/index.ts";
import type { QueryResult } from "../ports/query-engine.ts";

/** What a check came to, or why there was nothing to look at, or why the engine could not look. */
export type Finding =
  | {
      readonly passed: boolean;
      readonly measured: number | null;
      readonly threshold: number | null;
      /** Rows or groups looked at. */
      readonly rows: number | null;
      readonly sample?: QueryResult["rows"];
      readonly note?: string;
      /** Whether it concerns one snapshot of the table. */
      readonly pinned: boolean;
    }
  | { readonly skipped: string }
  | { readonly unknown: string };

/** A check's result, as `gold.data_quality` has it. */
export interface QualityResult {
  /** `silver.events` */
  readonly table: string;
  readonly check: string;
  readonly kind: QualityKind;
  readonly severity: QualitySeverity;
  readonly status: QualityStatus;
  readonly measured: number | null;
  readonly threshold: number | null;
  readonly rows: number | null;
  /** Rows from this time on were looked at, ms; null for all. */
  readonly since: number | null;
  /** A JSON array. */
  readonly sample: string | null;
  readonly snapshotId: string | null;
  readonly note: string | null;
}

/** Rows that fail, held against the share that may. */
export function countFinding(
  count: { readonly failing: number; readonly rows: number; readonly pinned: boolean },
  tolerance = 0,
): Extract<Finding, { passed: boolean }> {
  const threshold = Math.floor(tolerance * count.rows);
  return {
    passed: count.failing <= threshold,
    measured: count.failing,
    threshold,
    rows: count.rows,
    pinned: count.pinned,
  };
}
