import { goldPropensityScores, goldSessionScores } from "../../schema/index.ts";
import type { OwnAlertKind } from "./own-alert-kinds.ts";
import type { CrossingReport } from "./score-sessions.ts";

/** Of the plugin that tells who will buy. */
export const propensityReport: CrossingReport = {
  table: goldPropensityScores,
  alertKind: "high-propensity" satisfies OwnAlertKind,
  title: (userId, percent) => `${userId} is likely to buy in this session (${percent} %)`,
};

/** Of any other plugin that scores sessions. */
export function sessionScoreReport(plugin: string): CrossingReport {
  return {
    table: goldSessionScores,
    alertKind: `high-${plugin}`,
    title: (userId, percent) => `${userId} scores ${percent} % for ${plugin} in this session`,
  };
}
