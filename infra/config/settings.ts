import {
  type ChoiceSetting,
  countSetting as count,
  msSetting as ms,
  ratioSetting as ratio,
  type Setting,
  type SettingValues,
} from "../../schema/index.ts";
import { detectorSettings, optionalParts } from "../../stream/index.ts";
import { apiSettings } from "./api-settings.ts";
import { distributedSettings } from "./distributed-settings.ts";
import { webhookSettings } from "./webhook-settings.ts";

const DAY_MS = 86_400_000;

const modes: ChoiceSetting<"embedded" | "distributed"> = {
  type: "choice",
  choices: ["embedded", "distributed"],
  default: "embedded",
  group: "General",
  doc: "embedded: log, lake and hot store in the home folder, no server. distributed: on the servers of the group Distributed.",
};

const logLevels: ChoiceSetting<"debug" | "info" | "warn" | "error"> = {
  type: "choice",
  choices: ["debug", "info", "warn", "error"],
  default: "info",
  group: "General",
  doc: "Least severity that is logged, to standard error.",
};

/** Every setting of the platform. Key, environment variable and flag derive from one another. */
export const settings = {
  home: {
    type: "text",
    group: "General",
    default: ".millrace",
    doc: "Folder of the log, the lake, the hot store, checkpoints and models.",
  },
  mode: modes,
  logLevel: logLevels,

  partitions: count(
    "Runtime",
    2,
    [1, 256],
    "Partitions of the input topics, and so tasks. Fixed once the log exists.",
  ),
  workers: count(
    "Runtime",
    1,
    [0, 64],
    "Worker threads that the tasks are spread over; 0, in distributed mode, leaves them to other processes.",
  ),
  warmSpare: {
    type: "boolean",
    group: "Runtime",
    default: true,
    doc: "In distributed mode, each worker process keeps a thread that has nothing to do but is ready, with its code compiled, for the tasks of a worker that died: seconds sooner, for some 300 MB and a few seconds of CPU.",
  },
  standbyTasks: count(
    "Runtime",
    4,
    [0, 256],
    "Partitions of other worker processes whose tasks that thread keeps up the state of, from their checkpoints: it is at hand when their worker dies. Each takes as much memory again as the state of its tasks.",
  ),
  checkpointIntervalMs: ms(
    "Runtime",
    10_000,
    [200, 3_600_000],
    "Time between checkpoints: how fresh the lake is, and the size of its files.",
  ),
  checkpointBacklogIntervalMs: ms(
    "Runtime",
    30_000,
    [200, 3_600_000],
    "The same while there is a backlog: fewer, larger checkpoints let it catch up sooner.",
  ),
  checkpointRecordsMax: count(
    "Runtime",
    4_000_000,
    [1, 100_000_000],
    "Records after which a checkpoint begins early; bounds memory and work after a crash.",
    "records",
  ),
  fileBytesMax: count(
    "Runtime",
    128 << 20,
    [65_536, 1 << 30],
    "Size at which a data file is completed before the checkpoint asks for it.",
    "bytes",
  ),
  hotFlushMs: ms(
    "Runtime",
    250,
    [1, 60_000],
    "Time between the rounds in which changed hot values are written, each once however often it has changed.",
  ),
  hotFlushBacklogMs: ms("Runtime", 60_000, [1, 600_000], "The same while there is a backlog."),
  idleAfterMs: ms(
    "Runtime",
    5_000,
    [100, 3_600_000],
    "Silence of a partition after which windows over all partitions no longer wait for it.",
  ),
  retentionMs: ms(
    "Runtime",
    7 * DAY_MS,
    [60_000, 3_650 * DAY_MS],
    "Age at which the log may drop input records that were processed; the lake keeps them.",
  ),
  alertRetentionMs: ms(
    "Runtime",
    7 * DAY_MS,
    [60_000, 3_650 * DAY_MS],
    "Age at which the log drops alerts: how far back a subscription can resume.",
  ),
  recordBytesMax: count(
    "Runtime",
    1 << 20,
    [1_024, 64 << 20],
    "Largest record that is decoded; a larger one is a dead letter.",
    "bytes",
  ),
  maintenanceIntervalMs: ms(
    "Runtime",
    600_000,
    [10_000, DAY_MS],
    "Time between compactions while the platform runs.",
  ),
  maintenanceMemoryMb: count(
    "Runtime",
    512,
    [64, 1_048_576],
    "Memory that a compaction of the embedded lake may take, in MB: files with very wide rows need more to be merged; the log says so.",
  ),
  qualityIntervalMs: ms(
    "Runtime",
    3_600_000,
    [0, 30 * DAY_MS],
    "Time between checks of all tables while the platform runs, into `gold.data_quality`; 0 for none (`millrace quality` checks at any time).",
  ),
  qualityDays: count(
    "Runtime",
    2,
    [1, 3_650],
    "Newest days of each table that are checked; bounds what a run costs.",
    "days",
  ),
  reportsIntervalMs: ms(
    "Runtime",
    600_000,
    [0, 3_600_000],
    "Time between looks for daily reports that are due, while the platform runs; 0 for none (`millrace reports run` makes them at any time).",
  ),
  reportsDaysBack: count(
    "Runtime",
    7,
    [1, 365],
    "Newest days whose reports are made by schedule where they are missing.",
    "days",
  ),
  measureStages: {
    type: "boolean",
    group: "Runtime",
    default: false,
    doc: "Measures the CPU time of each step; costs some of it.",
  },
  leaveOut: {
    type: "list",
    group: "Runtime",
    default: [],
    pattern: new RegExp(`^(${optionalParts.join("|")})$`),
    form: `${optionalParts.join(", ")}, separated by commas`,
    doc: "Detectors that are not run, and `models`: what scores beside propensity. A home folder that ran them once needs them.",
  },

  outOfOrdernessMs: ms(
    "Event time",
    2_000,
    [0, DAY_MS],
    "How far behind the newest event an event may lie and still be in time.",
  ),
  allowedLatenessMs: ms(
    "Event time",
    60_000,
    [0, DAY_MS],
    "How far behind the watermark an event still corrects windows and sessions.",
  ),
  tickMs: ms("Event time", 1_000, [1, 60_000], "The watermark that windows see moves in multiples of this."),
  futureSkewMs: ms(
    "Event time",
    60_000,
    [0, 365 * DAY_MS],
    "How far after its ingest time an event may claim to have happened; beyond it is a dead letter. Above `allowedLatenessMs`, one clock that is fast makes the events of all others too late.",
  ),
  dedupeBucketMs: ms(
    "Event time",
    600_000,
    [1_000, DAY_MS],
    "Event ids are remembered in buckets of this much event time.",
  ),
  dedupeHorizonMs: ms(
    "Event time",
    0,
    [0, DAY_MS],
    "How much longer than the allowed lateness event ids are remembered.",
  ),

  sessionGapMs: ms(
    "Analytics",
    1_800_000,
    [1_000, DAY_MS],
    "A session ends where a user's next event comes later than this.",
  ),
  pageViewsWindowMs: ms(
    "Analytics",
    60_000,
    [1_000, DAY_MS],
    "Window of page views per user; a multiple of its advance.",
  ),
  pageViewsAdvanceMs: ms(
    "Analytics",
    30_000,
    [1_000, DAY_MS],
    "A window of page views begins every so often.",
  ),
  flashSaleWindowMs: ms(
    "Analytics",
    600_000,
    [60_000, DAY_MS],
    "Window of flash-sale candidates, a multiple of a minute.",
  ),
  flashSaleViewsAbove: count(
    "Analytics",
    100,
    [0, 1_000_000_000],
    "A candidate has more views than this in the window.",
  ),
  flashSalePurchasesBelow: count(
    "Analytics",
    5,
    [1, 1_000_000_000],
    "A candidate has fewer purchases than this in the window.",
  ),
  popularWindowMs: ms(
    "Analytics",
    3_600_000,
    [60_000, DAY_MS],
    "Window of popular products, a multiple of a minute.",
  ),
  popularHalfLifeMs: ms(
    "Analytics",
    900_000,
    [1_000, DAY_MS],
    "Age at which activity counts half for popularity.",
  ),
  popularProductsMax: count("Analytics", 100, [1, 1_000], "Products in a ranking."),
  popularByCategoryEveryMs: ms(
    "Analytics",
    600_000,
    [60_000, DAY_MS],
    "How often popular products are ranked by category, a multiple of a minute.",
  ),

  propensityThreshold: ratio(
    "Machine learning",
    0.75,
    [0, 1],
    "Probability of a purchase from which on a session is reported.",
  ),
  propensityRearmBelow: ratio(
    "Machine learning",
    0.55,
    [0, 1],
    "Probability below which a session can be reported again.",
  ),
  modelRefreshMs: ms(
    "Machine learning",
    10_000,
    [100, DAY_MS],
    "Time between looks at the model registry: how soon a new champion scores.",
  ),
  modelHealthWindowMs: ms(
    "Machine learning",
    3_600_000,
    [60_000, 7 * DAY_MS],
    "Window over which scores are held against training and against labels that became known.",
  ),
  modelDriftIndex: {
    type: "number",
    group: "Machine learning",
    unit: null,
    default: 0.25,
    min: 0.01,
    max: 10,
    doc: "Population stability index from which scores or a feature have drifted: .1 is little, .25 much.",
  },
  modelCalibrationErrorMax: {
    type: "number",
    group: "Machine learning",
    unit: null,
    default: 0.1,
    min: 0.001,
    max: 1,
    doc: "Mean distance of scores and what came true, by labels that became known, from which an alert is raised.",
  },
  recommendationsMax: count("Machine learning", 10, [1, 100], "Products of a list of recommendations."),
  recommendationListsAFlush: count(
    "Machine learning",
    4,
    [0, 10_000],
    "Most lists of users that one flush of hot values makes, of each task: events wait for them, a millisecond each with a trained model.",
  ),
  recommendationEventsAList: count(
    "Machine learning",
    100,
    [1, 1_000_000],
    "While events come, one list of a user is made for so many of them: what bounds their share of the time.",
  ),
  recommendationEventsAKeptList: count(
    "Machine learning",
    2_000,
    [1, 1_000_000_000],
    "Of the lists at the end of visits the lake keeps at most one for so many customer events of a task.",
    "events",
  ),
  forecastIntervalMs: ms(
    "Machine learning",
    DAY_MS,
    [0, 30 * DAY_MS],
    "Time between forecasts of demand while the platform runs; 0 for none (`millrace forecast` makes them at any time).",
  ),
  forecastHorizonDays: count("Machine learning", 28, [1, 365], "Days of demand that are forecast.", "days"),
  forecastHistoryDays: count(
    "Machine learning",
    182,
    [14, 3_650],
    "Days of demand that forecasts are made from.",
    "days",
  ),
  forecastCalendar: {
    type: "text",
    group: "Machine learning",
    default: "",
    doc: "CSV of promotions and holidays, past and to come: `date,name` and, where one product is meant, `product_id`. Empty: none.",
  },
  forecastSeriesMax: count(
    "Machine learning",
    10_000,
    [1, 100_000],
    "Series that are forecast: the products that sell most, then those of their warehouses.",
  ),
  hotTtlMs: ms(
    "Machine learning",
    3_600_000,
    [1_000, 30 * DAY_MS],
    "Time to live of hot scores and live aggregates.",
  ),

  ...apiSettings,
  ...webhookSettings,

  generatorEventsPerSecond: count(
    "Generator",
    200,
    [0, 1_000_000],
    "Customer events a second that `millrace up` generates; 0 for none.",
    "events/s",
  ),
  generatorSeed: count("Generator", 1, [0, 2 ** 32 - 1], "Seed of the generator."),

  ...detectorSettings,
  ...distributedSettings,
} as const satisfies Record<string, Setting>;

export type SettingKey = keyof typeof settings;

/** The validated configuration: a plain object that can be sent to a worker thread. */
export type Config = SettingValues<typeof settings>;
