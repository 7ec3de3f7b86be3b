import type { StateSection } from "../schema/index.ts";
import type { PrimaryMetric, ServedPlugin } from "./plugin.ts";
import type { TrainedModel, TrainPluginOptions } from "./training/train-plugin.ts";

/**
 * Why a product is in a list; the parts of its score add up to it. `after`: others looked at it after
 * the products of the visit, `before`: before them, `similarVisits`: visits like this one led to it,
 * `return`: visitors come back to it, `popular`: it is what many look at now.
 */
export const RECOMMENDATION_REASONS = ["after", "before", "similarVisits", "return", "popular"] as const;

export type RecommendationReason = (typeof RECOMMENDATION_REASONS)[number];

/** Products by position in whatever list their owner keeps, best first. Holds until the next answer. */
export interface ProductList {
  readonly count: number;
  readonly products: Int32Array;
  /** What the parts add up to. The order may be another where a second stage put the list in order. */
  readonly scores: Float64Array;
  /** Parts of each score by {@link RECOMMENDATION_REASONS}, row-major. */
  readonly reasons: Float64Array;
}

export interface ListRequest {
  /** Products of the visit, oldest first; negative where they are unknown. */
  readonly visit: Int32Array;
  readonly length: number;
  /** How many are wanted. */
  readonly count: number;
  /** Position of the category to fill up from, -1: none. */
  readonly category: number;
  /** Business rules, by position. */
  readonly allows: (product: number) => boolean;
}

/** A trained recommender as the stream asks it; one answer at a time. */
export interface VisitRecommender {
  readonly modelVersion: string;
  /** Ids of the products and categories that it knows; their positions are what it speaks of. None: it is untrained. */
  readonly productIds: readonly string[];
  readonly categoryIds: readonly string[];
  recommend(request: ListRequest): ProductList;
  /** Products most often seen in one visit with a product, which is not among them. */
  similar(product: number, count: number): ProductList;
}

/**
 * What a task learns by itself, look by look, until and beside a trained model: co-occurrence and
 * popularity. Products are the ids of the task's dictionary.
 */
export interface OnlineRecommender {
  /** Makes room for products 0 … count - 1; called before they are named. */
  ensure(products: number): void;
  /** Folds the newest look of `visit[0, length)`, which is its last. */
  learn(visit: Int32Array, length: number, timeMs: number): void;
  recommend(request: ListRequest): ProductList;
  similar(product: number, count: number): ProductList;
}

/** A plugin whose model recommends products to visits in the stream. */
export interface RecommenderPlugin extends ServedPlugin<VisitRecommender> {
  readonly primaryMetric: PrimaryMetric<"mrr20">;
  /** Contract and fields that training reads from bronze. */
  readonly contract: string;
  readonly fields: readonly string[];
  /** Fits on the lake's events, measures, publishes. Rejects with code `dataset-unusable`. */
  trainOnLake(options: TrainPluginOptions): Promise<TrainedModel>;
  /** State of a task; `categoryOf` gives a product's category in the task's dictionary, -1: none. */
  createOnline(section: StateSection, categoryOf: (product: number) => number): OnlineRecommender;
}

/** Whether a plugin recommends products in the stream. */
export function isRecommender(plugin: object): plugin is RecommenderPlugin {
  return "createOnline" in plugin;
}
