import { goldRecommendations } from "../../../schema/index.ts";
import {
  HotNamespace,
  type HotStore,
  type RecommendationsRecord,
  type RecommendedProductRecord,
  type SimilarProductsRecord,
} from "../../../stream/index.ts";
import { userError } from "../common/errors.ts";
import { readHot } from "../common/hot-reader.ts";
import type { LakeReader } from "../common/lake-reader.ts";
import { number, type Row, text, time } from "../common/row.ts";
import { Conditions } from "../common/sql.ts";
import type { Page, PageArgs } from "../common/types.ts";
import type { PopularProductsService } from "../products/popular-service.ts";
import { firstInStock } from "./in-stock.ts";
import type {
  KeptRecommendation,
  KeptRecommendationFilter,
  RecommendationList,
  RecommendationReason,
  RecommendationReasonKind,
  RecommendedProduct,
} from "./type.ts";

const LIMIT_MAX = 100;

export class RecommendationsService {
  private readonly lake: LakeReader;
  private readonly hotStore: HotStore;
  private readonly popular: PopularProductsService;

  constructor(lake: LakeReader, hotStore: HotStore, popular: PopularProductsService) {
    this.lake = lake;
    this.hotStore = hotStore;
    this.popular = popular;
  }

  /** The list of the user's visit, what is sold out left out; what is popular for a user without one. */
  async forUser(userId: string, limit: number): Promise<RecommendationList> {
    requireLimit(limit);
    const record = await readHot<RecommendationsRecord>(this.hotStore, HotNamespace.recommendations, userId);
    return this.listOf(record, limit, null);
  }

  /** Products most often seen with one, as {@link forUser}; what is popular where that is not known. */
  async similarTo(productId: string, limit: number): Promise<RecommendationList> {
    requireLimit(limit);
    const record = await readHot<SimilarProductsRecord>(
      this.hotStore,
      HotNamespace.similarProducts,
      productId,
    );
    return this.listOf(record, limit, productId);
  }

  /** Lists that the lake kept, newest visit first. */
  kept(filter: KeptRecommendationFilter, page: PageArgs): Promise<Page<KeptRecommendation>> {
    return this.lake.page({
      connection: "keptRecommendations",
      table: goldRecommendations,
      page,
      keyset: [
        { column: "visit_end", type: "time" },
        { column: "user_id", type: "text" },
        { column: "rank", type: "number" },
      ],
      order: "desc",
      conditions: new Conditions()
        .compare("user_id", "=", filter.userId)
        .compare("product_id", "=", filter.productId)
        .compare("model_version", "=", filter.modelVersion)
        .within("visit_end", filter.from, filter.to),
      toNode: toKept,
    });
  }

  private async listOf(
    record: RecommendationsRecord | SimilarProductsRecord | null,
    limit: number,
    without: string | null,
  ): Promise<RecommendationList> {
    const items = await firstInStock(this.hotStore, record?.items ?? [], limit);
    if (record === null || items.length === 0) return this.popularList(limit, without);
    return {
      items: items.map(toProduct),
      source: "visit",
      modelVersion: record.modelVersion,
      eventTime: record.eventTime,
      freshness: { watermark: this.lake.watermark(), snapshotId: null, committedAt: null },
    };
  }

  private async popularList(limit: number, without: string | null): Promise<RecommendationList> {
    const { items, windowEnd, freshness } = await this.popular.popular({ limit: LIMIT_MAX, asOf: null });
    const others = items.filter(({ productId }) => productId !== without);
    return {
      items: (await firstInStock(this.hotStore, others, limit)).map(({ productId, score }, k) => ({
        rank: k + 1,
        productId,
        score,
        reasons: [{ kind: "popular", score }],
      })),
      source: "popular",
      modelVersion: null,
      eventTime: windowEnd,
      freshness,
    };
  }
}

function requireLimit(limit: number): void {
  if (limit >= 1 && limit <= LIMIT_MAX) return;
  throw userError("invalid-argument", `limit must be between 1 and ${LIMIT_MAX}, it is ${limit}.`);
}

function toProduct({ productId, score, reasons }: RecommendedProductRecord, k: number): RecommendedProduct {
  return { rank: k + 1, productId, score, reasons: toReasons(reasons) };
}

function toKept(row: Row): KeptRecommendation {
  return {
    userId: text(row, "user_id"),
    visitEnd: time(row, "visit_end"),
    rank: number(row, "rank"),
    productId: text(row, "product_id"),
    score: number(row, "score"),
    reasons: toReasons(JSON.parse(text(row, "reasons")) as Record<string, number>),
    modelVersion: text(row, "model_version"),
  };
}

function toReasons(parts: Readonly<Record<string, number>>): RecommendationReason[] {
  return Object.entries(parts)
    .map(([kind, score]) => ({ kind: kind as RecommendationReasonKind, score }))
    .sort((a, b) => b.score - a.score);
}
