import {
  bronzeDeadLetters,
  bronzeTable,
  contracts,
  currentView,
  goldDailyCategoryConversion,
  goldDailyTopProducts,
  goldDailyUserSegments,
  goldDataQuality,
  goldDemandForecasts,
  goldFlashSaleAlerts,
  goldForecastAccuracy,
  goldFraudScores,
  goldModelHealth,
  goldPageViewsByUser,
  goldPopularByCategory,
  goldPopularProducts,
  goldProductActivity,
  goldPropensityScores,
  goldRecommendations,
  goldReportRuns,
  goldSessionScores,
  goldShadowScores,
  silverEvents,
  silverSessions,
  type TableSpec,
  type ViewSpec,
} from "../../schema/index.ts";
import { detectorSpecs, detectorTables } from "../../stream/index.ts";

/** Every table of the lake. */
export const lakeTables: readonly TableSpec[] = [
  ...contracts.map(bronzeTable),
  bronzeDeadLetters,
  silverEvents,
  silverSessions,
  goldPageViewsByUser,
  goldProductActivity,
  goldPopularByCategory,
  goldPopularProducts,
  goldFlashSaleAlerts,
  goldPropensityScores,
  goldSessionScores,
  goldFraudScores,
  goldRecommendations,
  goldDemandForecasts,
  goldForecastAccuracy,
  goldShadowScores,
  goldModelHealth,
  goldDataQuality,
  goldDailyUserSegments,
  goldDailyTopProducts,
  goldDailyCategoryConversion,
  goldReportRuns,
  ...detectorTables,
];

/** Tables that jobs write, which read the lake: no task of the stream makes their rows, nor would a replay. */
export const jobTables: readonly TableSpec[] = [
  goldDemandForecasts,
  goldForecastAccuracy,
  goldDataQuality,
  goldDailyUserSegments,
  goldDailyTopProducts,
  goldDailyCategoryConversion,
  goldReportRuns,
];

/** Every view of the lake. */
export const lakeViews: readonly ViewSpec[] = lakeTables.map(currentView).filter((view) => view !== null);

/** Tables of the second stage, which adds up what all tasks send. */
export const secondStageTables: readonly TableSpec[] = [
  goldProductActivity,
  goldPopularByCategory,
  goldPopularProducts,
  goldFlashSaleAlerts,
  ...detectorSpecs.flatMap(({ combine, tables }) => (combine === undefined ? [] : tables)),
];
