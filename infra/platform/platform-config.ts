import {
  type DetectorConfig,
  detectorSettings,
  type EventsPipelineConfig,
  type InsightsPipelineConfig,
  type ModelHealthConfig,
  type WorkerConfig,
} from "../../stream/index.ts";
import { type Config, timeConfig } from "../config/index.ts";
import { PANE_TOPIC } from "./topics.ts";

/** The configuration in the shape of what it configures; can be sent to a worker thread. */
export interface PlatformConfig {
  /** The settings that it was made from: they say how the adapters are opened. */
  readonly settings: Config;
  readonly partitions: number;
  readonly measureStages: boolean;
  readonly lostInput: Config["lostInput"];
  readonly worker: WorkerConfig;
  readonly events: EventsPipelineConfig;
  readonly insights: InsightsPipelineConfig;
}

const PANE_MS = 60_000;
const RECENT_VIEWS_MS = 300_000;
const RECENT_VIEWS_MAX = 20;
/** What one event of a kind adds to a product's popularity. */
const POPULARITY_WEIGHTS = { view: 1, cartAdd: 5, purchase: 20 };
/** Enough to begin with; from then on a sample keeps the counts of what goes together up to date. */
const RECOMMENDATION_LEARNING = { learnLooksMax: 10_000, eventsALearnedLook: 64 };
/** Products of a list in the hot store, at most. */
const RECOMMENDATIONS_KEPT_MAX = 100;
/** Of the events whose look a list is held against: a list takes half a millisecond. */
const RECOMMENDATION_SAMPLE_EVERY = 1024;
/** Sampled scores from which on a stability index says more than chance does: it moves by some hundredths. */
const DRIFT_ROWS_MIN = 500;
/** Of the events that are scored: 5,000 an hour at a hundred events a second. */
const SAMPLE_EVERY = 64;
/** Chargebacks go on for longer; most verdicts are there by then. */
const ORDER_LABEL_DELAY_MS = 30 * 86_400_000;

export function platformConfig(config: Config): PlatformConfig {
  const { partitions, measureStages, lostInput, fileBytesMax } = config;
  return {
    settings: config,
    partitions,
    measureStages,
    lostInput,
    worker: {
      checkpointIntervalMs: config.checkpointIntervalMs,
      checkpointBacklogIntervalMs: config.checkpointBacklogIntervalMs,
      checkpointRecordsMax: config.checkpointRecordsMax,
      hotFlushMs: config.hotFlushMs,
      hotFlushBacklogMs: config.hotFlushBacklogMs,
      idleAfterMs: config.idleAfterMs,
      consumerGroup: config.kafkaGroup,
    },
    events: eventsConfig(config),
    insights: {
      time: timeConfig(config),
      insights: insightsConfig(config),
      detectors: detectorConfig(config),
      leaveOut: config.leaveOut,
      paneTopic: PANE_TOPIC,
      fileBytesMax,
    },
  };
}

function eventsConfig(config: Config): EventsPipelineConfig {
  return {
    time: timeConfig(config),
    detectors: detectorConfig(config),
    leaveOut: config.leaveOut,
    recordBytesMax: config.recordBytesMax,
    futureSkewMs: config.futureSkewMs,
    fileBytesMax: config.fileBytesMax,
    dedupe: { bucketMs: config.dedupeBucketMs, horizonMs: config.dedupeHorizonMs },
    sessions: { gapMs: config.sessionGapMs, stepMs: Math.max(config.tickMs, 10_000) },
    pageViews: {
      windowMs: config.pageViewsWindowMs,
      advanceMs: config.pageViewsAdvanceMs,
      recentMs: RECENT_VIEWS_MS,
      recentMax: RECENT_VIEWS_MAX,
    },
    productPanes: { paneMs: PANE_MS },
    propensity: {
      threshold: config.propensityThreshold,
      rearmBelow: config.propensityRearmBelow,
      sessionGapMs: config.sessionGapMs,
      health: { ...modelHealthConfig(config), sampleEvery: SAMPLE_EVERY },
    },
    orderMonitor: { health: modelHealthConfig(config), labelDelayMs: ORDER_LABEL_DELAY_MS },
    recommendations: {
      count: config.recommendationsMax,
      spareCount: Math.min(
        Math.ceil(config.recommendationsMax / 2),
        RECOMMENDATIONS_KEPT_MAX - config.recommendationsMax,
      ),
      monitor: { health: modelHealthConfig(config), sampleEvery: RECOMMENDATION_SAMPLE_EVERY },
      sessionGapMs: config.sessionGapMs,
      hotTtlMs: config.hotTtlMs,
      listsAFlushMax: config.recommendationListsAFlush,
      eventsAList: config.recommendationEventsAList,
      eventsAKeptList: config.recommendationEventsAKeptList,
      ...RECOMMENDATION_LEARNING,
    },
    hotTtlMs: config.hotTtlMs,
  };
}

function modelHealthConfig(config: Config): ModelHealthConfig {
  return {
    windowMs: config.modelHealthWindowMs,
    driftIndex: config.modelDriftIndex,
    driftRowsMin: DRIFT_ROWS_MIN,
    calibrationErrorMax: config.modelCalibrationErrorMax,
  };
}

/** The settings of the detectors alone. */
function detectorConfig(config: Config): DetectorConfig {
  const keys = Object.keys(detectorSettings) as (keyof DetectorConfig)[];
  return Object.fromEntries(keys.map((key) => [key, config[key]])) as unknown as DetectorConfig;
}

function insightsConfig(config: Config): InsightsPipelineConfig["insights"] {
  return {
    paneMs: PANE_MS,
    allowedLatenessMs: config.allowedLatenessMs,
    flashSale: {
      windowMs: config.flashSaleWindowMs,
      viewsOver: config.flashSaleViewsAbove,
      purchasesUnder: config.flashSalePurchasesBelow,
    },
    popular: {
      windowMs: config.popularWindowMs,
      halfLifeMs: config.popularHalfLifeMs,
      top: config.popularProductsMax,
      byCategoryEveryMs: config.popularByCategoryEveryMs,
      weights: POPULARITY_WEIGHTS,
    },
    hotTtlMs: config.hotTtlMs,
  };
}
