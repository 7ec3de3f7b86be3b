import type { QualityResult } from "./finding.ts";

/** What the scheduled checks of this process came to. */
export interface QualityStatus {
  readonly runs: number;
  /** Runs that did not come to their end. */
  readonly failures: number;
  /** Of the newest run; null before it. */
  readonly newest: {
    /** When it began, ms. */
    readonly checkedAt: number;
    readonly results: readonly Pick<QualityResult, "table" | "check" | "severity" | "status">[];
  } | null;
}
