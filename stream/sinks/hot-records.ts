/** What the hot store holds: namespace → JSON value. Written by the stream, read by the API. */
export const HotNamespace = {
  /** key: user id → {@link UserRecord} */
  users: "users",
  /** key: `all`, or `category:ID` → {@link PopularProductsRecord} */
  popularProducts: "popular-products",
  /** key: user id → {@link RecommendationsRecord} */
  recommendations: "recommendations",
  /** key: product id → {@link DemandForecastRecord} */
  demandForecasts: "demand-forecasts",
  /** key: product id → {@link SimilarProductsRecord} */
  similarProducts: "similar-products",
} as const;

/** All that is live of one user, in one value; a part is missing where there is nothing to say. */
export interface UserRecord {
  readonly userId: string;
  readonly activity?: UserActivityRecord;
  readonly propensity?: PropensityRecord;
}

export interface UserActivityRecord {
  /** Page and item views in the last 5 minutes before `eventTime`. */
  readonly views5m: number;
  /** Event time of the user's newest view, ms. */
  readonly eventTime: number;
  /** The newest views of the last 5 minutes, newest first, at most 20. */
  readonly recent: readonly (readonly [eventTime: number, eventType: string, productId: string | null])[];
}

export interface PropensityRecord {
  readonly score: number;
  readonly modelVersion: string;
  readonly eventTime: number;
  readonly sessionStart: number;
  /** Signed contributions to the log-odds of the features that move the score most. */
  readonly contributions: Readonly<Record<string, number>>;
  readonly partition: number;
  readonly offset: number;
}

export interface PopularProductsRecord {
  readonly windowStart: number;
  readonly windowEnd: number;
  readonly items: readonly {
    readonly rank: number;
    readonly productId: string;
    readonly score: number;
    readonly views: number;
    readonly cartAdds: number;
    readonly purchases: number;
  }[];
}

/** A product of a list; `reasons` are the parts of `score`, those that are not 0. */
export interface RecommendedProductRecord {
  readonly productId: string;
  readonly score: number;
  readonly reasons: Readonly<Record<string, number>>;
}

/** Best first, for the user's visit as of `eventTime`, its newest look. */
export interface RecommendationsRecord {
  readonly userId: string;
  readonly modelVersion: string;
  readonly eventTime: number;
  readonly items: readonly RecommendedProductRecord[];
}

/** Products most often seen in one visit with a product, best first. */
export interface SimilarProductsRecord {
  readonly productId: string;
  readonly modelVersion: string;
  readonly eventTime: number;
  readonly items: readonly RecommendedProductRecord[];
}

/** Units expected by step, from `startMs` on, with the bounds of their 80 % and 95 % intervals. */
export interface DemandStepsRecord {
  readonly startMs: number;
  readonly stepMs: number;
  readonly mean: readonly number[];
  readonly lower80: readonly number[];
  readonly upper80: readonly number[];
  readonly lower95: readonly number[];
  readonly upper95: readonly number[];
}

/** Forecasts of one place: a warehouse, or all of them together. */
export interface PlaceForecastRecord {
  /** Units a day, over the days that are forecast. */
  readonly dailyRate: number;
  readonly daily: DemandStepsRecord;
  /** Null where the history is too short for weeks. */
  readonly weekly: DemandStepsRecord | null;
}

/** Forecasts of a product, written by a batch job; they live until the next run has replaced them. */
export interface DemandForecastRecord extends PlaceForecastRecord {
  readonly productId: string;
  readonly modelVersion: string;
  readonly madeAt: number;
  /** The warehouses of which it is known what they sold. */
  readonly warehouses: readonly (PlaceForecastRecord & { readonly warehouseId: string })[];
}
