import { type GraphQLEnumType, isEnumType } from "graphql";
import { describe, expect, it, test } from "vitest";
import { ORDER_DECISIONS, RECOMMENDATION_REASONS } from "../../ml/index.ts";
import {
  CONVERSION_MARKS,
  CROSSING_KINDS,
  type EventContract,
  FORECAST_STEPS,
  orderContract,
  paymentContract,
  QUALITY_KINDS,
  QUALITY_SEVERITIES,
  QUALITY_STATUSES,
  REPORT_STATUSES,
  USER_SEGMENTS,
} from "../../schema/index.ts";
import {
  ALERT_SEVERITIES,
  ALERT_STATUSES,
  ANOMALY_DIRECTIONS,
  FUNNEL_BASES,
  FUNNEL_STEPS,
  INVENTORY_ALERT_KINDS,
  RUNOUT_SOURCES,
  STOCK_LEVELS,
  type TaskStatus,
} from "../../stream/index.ts";
import { describeApiSchema } from "../server/schema.ts";

const statusesOf = ({ fields }: EventContract) => fields.find(({ name }) => name === "status")?.symbols ?? [];

/** Of a task: no list, but its type, holds them. */
const TASK_STATES: Readonly<Record<TaskStatus["state"], true>> = {
  ...{
    starting: true,
    recovering: true,
    running: true,
    stopping: true,
    stopped: true,
    failed: true,
    unknown: true,
  },
};

/** The lists that those who write lake and hot store take their values from. */
const WRITTEN: Readonly<Record<string, readonly string[]>> = {
  AlertSeverity: ALERT_SEVERITIES,
  AlertStatus: ALERT_STATUSES,
  AnomalyDirection: ANOMALY_DIRECTIONS,
  ConversionMark: CONVERSION_MARKS,
  DataQualityKind: QUALITY_KINDS,
  DataQualitySeverity: QUALITY_SEVERITIES,
  DataQualityStatus: QUALITY_STATUSES,
  ForecastStep: FORECAST_STEPS,
  FraudDecision: ORDER_DECISIONS,
  FunnelBasis: FUNNEL_BASES,
  FunnelStepName: FUNNEL_STEPS,
  InventoryAlertKind: INVENTORY_ALERT_KINDS,
  OrderStatus: statusesOf(orderContract),
  PaymentStatus: statusesOf(paymentContract),
  PropensityKind: CROSSING_KINDS,
  RecommendationReasonKind: RECOMMENDATION_REASONS,
  ReportStatus: REPORT_STATUSES,
  RunoutSource: RUNOUT_SOURCES,
  StockLevel: STOCK_LEVELS,
  TaskState: Object.keys(TASK_STATES),
  UserSegment: USER_SEGMENTS,
};

/** What callers choose, or what the API itself says of an answer. */
const OWN = ["AnswerSource", "FunnelDimension", "Granularity", "RecommendationSource", "ResendOutcome"];

const enums = Object.values(describeApiSchema().getTypeMap()).filter(
  (type): type is GraphQLEnumType => isEnumType(type) && !type.name.startsWith("__"),
);

test("every enum is held to what is written, or is the API's own", () => {
  expect(enums.map(({ name }) => name).sort()).toEqual([...Object.keys(WRITTEN), ...OWN].sort());
});

describe.each(Object.entries(WRITTEN))("%s", (name, written) => {
  const values = enums.find((type) => type.name === name)?.getValues() ?? [];

  it("has every value that may be written, and no other that is not deprecated", () => {
    const current = values.filter(({ deprecationReason }) => deprecationReason == null);
    expect(current.map(({ value }) => value).sort()).toEqual([...written].sort());
  });
});
