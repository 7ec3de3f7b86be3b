import { detectorSpecs } from "../../stream/index.ts";
import type { Config } from "../config/index.ts";
import type { ReplayRange } from "./bronze-log.ts";

const DAY_MS = 86_400_000;

/** Event times that are asked for, ms, half-open; all of history where one is absent. */
export interface AskedRange {
  readonly from?: number;
  readonly to?: number;
  /** History before `from` that fills the state. */
  readonly warmUpMs: number;
}

/** What is read for a range that is asked for: it, and what it takes to know its beginning. */
export function withWarmUp({ from, to, warmUpMs }: AskedRange): ReplayRange {
  return { from: from === undefined ? null : from - warmUpMs, to: to ?? null };
}

/**
 * As far back as any detector keeps what its rows hang on: a refund then finds its purchase, an anomaly
 * its season. What has no end (a user's own history, stocks) begins with the warm-up all the same.
 */
export function keptHistoryMs(config: Config): number {
  return Math.max(DAY_MS, ...detectorSpecs.map((spec) => spec.keptMs?.(config as never) ?? 0));
}
