import {
  bronzeDeadLetters,
  bronzeTable,
  contracts,
  goldFlashSaleAlerts,
  goldOrderAlerts,
  goldPageViewsByUser,
  goldPopularProducts,
  goldProductActivity,
  goldPropensityScores,
  goldRevenueByCategory,
  silverEvents,
  silverSessions,
  type TableSpec,
} from "../../schema/index.ts";

/** Every table of the lake. */
export const lakeTables: readonly TableSpec[] = [
  ...contracts.map(bronzeTable),
  bronzeDeadLetters,
  silverEvents,
  silverSessions,
  goldPageViewsByUser,
  goldProductActivity,
  goldPopularProducts,
  goldRevenueByCategory,
  goldFlashSaleAlerts,
  goldOrderAlerts,
  goldPropensityScores,
];
