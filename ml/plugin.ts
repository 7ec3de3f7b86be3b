import type { EventBatch, KeyDictionary, StateSection } from "../schema/index.ts";
import type { Evaluation } from "./evaluation.ts";
import type { ClassifierFigure } from "./training/weighted-figures.ts";

/**
 * Features that share state, keyed by one entity. Declared once: the stream calls
 * {@link FeatureState.fold} live, training calls the same fold over bronze in log order, so that the
 * vectors are equal byte for byte.
 */
export interface FeatureGroup<B extends EventBatch = EventBatch> {
  readonly name: string;
  /** Names of the features, in the order in which {@link FeatureState.read} writes them. */
  readonly features: readonly string[];
  /**
   * Those of them that move although nobody behaves differently: of the calendar (hour, weekday), and those that
   * grow with the age of the history (past visits, time since the first). A window of an hour differs in them from
   * a training over weeks by construction, so that their drift is measured and raises no alert.
   */
  readonly timeBound?: readonly string[];
  /** Makes the state of one task: the group's slot arrays live in `section`, one slot per entity id. */
  createState(section: StateSection, keys: FeatureKeys): FeatureState<B>;
}

/** The task's key dictionaries; the ids of key columns index the slots. */
export interface FeatureKeys {
  readonly userId: KeyDictionary;
  readonly productId: KeyDictionary;
  readonly categoryId: KeyDictionary;
}

export interface FeatureState<B extends EventBatch = EventBatch> {
  /**
   * Makes room for every id interned so far; called once before the rows of a batch, and after a
   * restore of the section or of the dictionaries.
   */
  ensure(): void;
  /**
   * Reads the state of the entities `slots[from, to)`, so that what follows finds it in the cache: these
   * loads do not wait for each other, those of folds and reads do. Changes nothing.
   */
  readAhead(slots: Int32Array, from: number, to: number): void;
  /** Folds row `row` into the state of its entity. Depends on the row and the state alone. */
  fold(batch: B, row: number): void;
  /** Writes the entity's features at event time `nowMs` to `out[base, base + features.length)`. */
  read(slot: number, nowMs: number, out: Float64Array, base: number): void;
}

/** A loaded model. */
export interface Scorer {
  readonly modelVersion: string;
  readonly featureNames: readonly string[];
  /** Log-odds of the average training row: with the contributions it adds up to a vector's log-odds. */
  readonly bias: number;
  /** Scores `count` vectors that lie back to back in `vectors`, into `out`. */
  score(vectors: Float64Array, count: number, out: Float64Array): void;
  /** Signed contributions to the log-odds of one vector, in the order of the features. */
  contributions(vector: Float64Array, out: Float64Array): void;
  /**
   * Signed contributions to the log-odds of one vector, by feature, and `bias`: the log-odds of the
   * average training row. All values together add up to the log-odds of the score.
   */
  explain(vector: Float64Array): Readonly<Record<string, number>>;
  /** The model as an ONNX file of this plugin; absent where it cannot be one. */
  toOnnx?(plugin: string): Uint8Array;
}

/** Labelled vectors, row-major. */
export interface Dataset {
  readonly featureNames: readonly string[];
  readonly vectors: Float64Array;
  readonly labels: Float64Array;
  readonly rows: number;
  /** Event time of each row, ms: for the split by time. */
  readonly times: Float64Array;
  /** Group of each row (session): no group may fall on both sides of a split. */
  readonly groups: Int32Array;
}

/** One bin of a reliability table: of `rows` scores with this mean, `rate` were positive. */
export interface ReliabilityBin {
  readonly rows: number;
  readonly meanScore: number;
  readonly rate: number;
}

export interface EvaluationReport {
  readonly rows: number;
  readonly positives: number;
  /** Figures by name, each beside the naive baseline's. */
  readonly metrics: Readonly<Record<string, { readonly model: number; readonly baseline: number }>>;
  /** Bins of equal size, by rising score. */
  readonly reliability: readonly ReliabilityBin[];
}

export interface TrainOptions {
  readonly seed: number;
  readonly onProgress?: (message: string) => void;
}

/** Where training finds the label of a vector: whether an outcome follows it in the same session. */
export interface SessionOutcome<B extends EventBatch = EventBatch> {
  /** A session ends where more than this lies between two events of the entity. */
  readonly gapMs: number;
  /** The entity of a row: the slot that its features are read at. */
  entity(batch: B, row: number): number;
  /** Event time of a row, ms. */
  time(batch: B, row: number): number;
  /** Whether the row labels the earlier vectors of its session 1. */
  isOutcome(batch: B, row: number): boolean;
  /**
   * What an outcome's row is a part of, such as the order of a line, as a whole number: the rest of it is no further outcome
   * behind its first row. Absent, or 0: each row is an outcome of its own.
   */
  outcomeKey?(batch: B, row: number): number;
}

/** A model as it is stored: its version and its serialised weights. */
export interface StoredModel {
  readonly version: string;
  readonly weights: Uint8Array;
}

/** One folder under `plugins/` exports one of these; the list in `plugins/index.ts` names it. */
export interface MlPlugin {
  readonly name: string;
  readonly doc: string;
  /** What `millrace evaluate NAME` does; made by {@link defineEvaluation}. */
  readonly evaluation: Evaluation;
}

/** The figure of {@link EvaluationReport.metrics} that decides between two models. */
export interface PrimaryMetric<N extends string = string> {
  readonly name: N;
  readonly better: "lower" | "higher";
}

/** What a version has to keep to, besides being better, before it may become champion. */
export interface PromotionLimits {
  /** Highest `calibrationError` of the evaluation; null where scores are no probabilities. */
  readonly calibrationErrorMax: number | null;
  /** Highest time of a score, microseconds, as measured when it was trained. */
  readonly scoreMicrosMax: number;
}

/** A plugin whose models lie in the registry and are served in the stream as `S`. */
export interface ServedPlugin<S extends { readonly modelVersion: string } = Scorer> extends MlPlugin {
  readonly primaryMetric: PrimaryMetric;
  readonly gate: PromotionLimits;
  /** Throws code `model-incompatible` where the weights do not fit the features. */
  load(weights: Uint8Array, modelVersion: string): S;
  /** The model that scores until one is trained, and where a stored one is unusable. */
  defaultModel(): StoredModel;
}

/**
 * A plugin that scores each event of an entity's session in the stream, from features that are
 * folded there, and that `millrace train` fits on the lake's bronze events.
 */
export interface SessionScorerPlugin<B extends EventBatch = EventBatch> extends ServedPlugin {
  readonly primaryMetric: PrimaryMetric<ClassifierFigure>;
  /** Contract of the events that it folds, `customer-event`. */
  readonly contract: string;
  /** Fields of the contract that features and labels read, as training fetches them from bronze. */
  readonly fields: readonly string[];
  readonly features: readonly FeatureGroup<B>[];
  readonly labels: SessionOutcome<B>;
  /** A score that rises to `threshold` is reported; it can be again once it fell below `rearmBelow`. */
  readonly crossing: { readonly threshold: number; readonly rearmBelow: number };
  /** Fits a model; returns its serialised weights. Rejects with code `dataset-unusable` where it cannot. */
  train(dataset: Dataset, options: TrainOptions): Promise<Uint8Array>;
  /** @param baseRate share of positives in training, which the naive baseline always says */
  evaluate(scorer: Scorer, dataset: Dataset, baseRate: number): EvaluationReport;
}

/** Whether a plugin has models in the registry. */
export function isServed(plugin: MlPlugin): plugin is ServedPlugin<{ readonly modelVersion: string }> {
  return "defaultModel" in plugin;
}

/** Whether a plugin sits in the stream as a scorer of sessions. */
export function isSessionScorer(plugin: MlPlugin): plugin is SessionScorerPlugin {
  return "features" in plugin;
}
