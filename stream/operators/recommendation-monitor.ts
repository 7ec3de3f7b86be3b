import {
  LIST_FEATURES,
  type ProductList,
  readListFigures,
  type ServedModels,
  type VisitRecommender,
} from "../../ml/index.ts";
import { goldShadowScores, StateSection } from "../../schema/index.ts";
import type { OperatorOutputs, Progress } from "../runtime/operator.ts";
import type { ModelStatus } from "../runtime/status.ts";
import { type ModelHealthConfig, ModelHealthMonitor } from "./model-health.ts";
import {
  type NamedList,
  ONLINE_VERSION,
  type RecommendationLists,
  type VisitRequest,
} from "./recommendation-lists.ts";
import type { ShadowSource } from "./shadow-scores.ts";

export interface RecommendationMonitorConfig {
  readonly health: ModelHealthConfig;
  /** One look in so many is a sample, where it follows another. */
  readonly sampleEvery: number;
}

export interface RecommendationMonitorDeps {
  readonly plugin: string;
  readonly outputs: OperatorOutputs;
  /** Log partition of the task. */
  readonly partition: number;
  /** Milliseconds from any origin, with fractions. */
  readonly stopwatch: () => number;
  /** Lists as they are served, and as the challenger would make them. */
  readonly lists: RecommendationLists;
  readonly challengerLists: RecommendationLists;
}

/** Fibonacci hashing (Knuth, TAOCP 3, 6.4): spreads times that are whole seconds, too. */
const HASH_FACTOR = 0x9e3779b1;
const HASHES = 2 ** 32;

/** A look that follows another, and the visit before it. */
export interface FollowingLook {
  readonly request: VisitRequest;
  /** Id of the product that was looked at. */
  readonly productId: string;
  readonly source: ShadowSource;
}

/**
 * Makes the list before a look and sees whether the look is in it: the label of a list is there with
 * the next look. Recall is the hit rate of the lists, precision the share of what they show.
 */
export class RecommendationMonitor {
  /** Apart from the operator's: both have a blob. */
  readonly state = new StateSection("recommendation-health");
  private readonly deps: RecommendationMonitorDeps;
  private readonly health: ModelHealthMonitor;
  private readonly shadowRows;
  private readonly sampledBelow: number;
  private readonly figures = new Float64Array(LIST_FEATURES.length);
  private models: ServedModels<VisitRecommender>;

  constructor(
    { health, sampleEvery }: RecommendationMonitorConfig,
    deps: RecommendationMonitorDeps,
    models: ServedModels<VisitRecommender>,
  ) {
    this.deps = deps;
    this.health = new ModelHealthMonitor(health, {
      ...deps,
      featureNames: LIST_FEATURES,
      timeBound: [],
      state: this.state,
      // The next look is the label, and nothing else is.
      labelDelayMs: 0,
    });
    this.shadowRows = deps.outputs.openRows(goldShadowScores);
    this.sampledBelow = HASHES / sampleEvery;
    this.models = models;
    this.health.follow(models);
  }

  /** The models that recommend from now on. */
  follow(models: ServedModels<VisitRecommender>): void {
    if (models === this.models) return;
    this.models = models;
    this.health.follow(models);
  }

  /** By the look's own time: the same looks are samples wherever they lie in a log. */
  isSample(timeMs: number): boolean {
    return Math.imul(timeMs, HASH_FACTOR) >>> 0 < this.sampledBelow;
  }

  judge(look: FollowingLook): void {
    const { lists, challengerLists } = this.deps;
    const { request, source } = look;
    const champion = this.timedList(lists, request);
    const place = placeOf(champion.named, look.productId);
    this.health.addList(source.eventTime, { isHit: place > 0, shown: champion.named.list.count });
    const score = readListFigures(ownList(champion.named), lists.knownOf(request), this.figures);
    this.health.addScore(source.eventTime, score, this.figures, 0);
    if (this.models.challenger === null) return;
    const challenger = this.timedList(challengerLists, request);
    this.health.addShadow({ rows: 1, championMs: champion.ms, challengerMs: challenger.ms });
    this.writeShadow(source, place, { ms: challenger.ms, place: placeOf(challenger.named, look.productId) });
  }

  advance(progress: Progress): void {
    this.health.advance(progress);
  }

  afterRestore(): void {
    this.health.follow(this.models);
  }

  status(): ModelStatus {
    return this.health.status();
  }

  private timedList(lists: RecommendationLists, request: VisitRequest): { named: NamedList; ms: number } {
    const start = this.deps.stopwatch();
    const named = lists.forVisit(request);
    return { named, ms: this.deps.stopwatch() - start };
  }

  /** The score of a list is the reciprocal rank of what was looked at, by which two models compare. */
  private writeShadow(
    source: ShadowSource,
    championPlace: number,
    challenger: { readonly place: number; readonly ms: number },
  ): void {
    const { shadowRows: rows, models } = this;
    const r = rows.next();
    rows.setText(rows.text("plugin"), r, this.deps.plugin);
    rows.setText(rows.text("entity"), r, source.entity);
    rows.float64("event_time").values[r] = source.eventTime;
    rows.setText(rows.text("champion_version"), r, models.champion.modelVersion);
    rows.float64("champion_score").values[r] = reciprocal(championPlace);
    rows.setText(rows.text("challenger_version"), r, models.challenger?.modelVersion ?? "");
    rows.float64("challenger_score").values[r] = reciprocal(challenger.place);
    rows.float64("challenger_micros").values[r] = challenger.ms * 1000;
    rows.int32("_partition").values[r] = source.partition;
    rows.float64("_offset").values[r] = source.offset;
  }
}

/** Place of a product in a list, from 1; 0 where it is not there. */
function placeOf({ list, productId }: NamedList, wanted: string): number {
  for (let rank = 0; rank < list.count; rank++) if (productId(rank) === wanted) return rank + 1;
  return 0;
}

function reciprocal(place: number): number {
  return place === 0 ? 0 : 1 / place;
}

/** Null where the stream's own counts answered: their scores are no model's. */
function ownList({ list, modelVersion }: NamedList): ProductList | null {
  return modelVersion === ONLINE_VERSION ? null : list;
}
