import { detectorSpecs, type TimeConfig } from "../../stream/index.ts";
import type { Config } from "./settings.ts";

/** How event time is read off each input. */
export function timeConfig(config: Config): TimeConfig {
  const { outOfOrdernessMs, allowedLatenessMs, tickMs } = config;
  return { outOfOrdernessMs, allowedLatenessMs, tickMs, longestWindowMs: longestWindowMs(config) };
}

function longestWindowMs(config: Config): number {
  return Math.max(
    config.pageViewsWindowMs,
    config.flashSaleWindowMs,
    config.popularWindowMs,
    config.sessionGapMs,
    ...detectorSpecs.map((spec) => spec.longestWindowMs?.(config as never) ?? 0),
  );
}
