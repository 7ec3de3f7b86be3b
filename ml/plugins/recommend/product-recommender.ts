import {
  type ListRequest,
  type ProductList,
  RECOMMENDATION_REASONS,
  type VisitRecommender,
} from "../../recommender.ts";
import type { BlendParts } from "./candidates.ts";
import type { Recommender } from "./recommender.ts";

const REASONS = RECOMMENDATION_REASONS.length;
/** Longest list that is asked for. */
const LIST_MAX = 100;

/** A {@link Recommender} of a shop's products: its item numbers are positions in `productIds`. */
export class ProductRecommender implements VisitRecommender {
  readonly modelVersion: string;
  readonly productIds: readonly string[];
  readonly categoryIds: readonly string[];
  readonly recommender: Recommender;
  readonly #list = {
    count: 0,
    products: new Int32Array(LIST_MAX),
    scores: new Float64Array(LIST_MAX),
    reasons: new Float64Array(LIST_MAX * REASONS),
  };

  constructor(
    recommender: Recommender,
    names: { readonly productIds: readonly string[]; readonly categoryIds: readonly string[] },
    modelVersion: string,
  ) {
    this.recommender = recommender;
    this.productIds = names.productIds;
    this.categoryIds = names.categoryIds;
    this.modelVersion = modelVersion;
  }

  recommend({ visit, length, count, category, allows }: ListRequest): ProductList {
    const list = this.#list;
    list.count = 0;
    if (this.productIds.length === 0) return list;
    const shown = this.recommender.rank(visit.subarray(0, length), { count, mode: "all", category, allows });
    for (const product of shown) this.#push(product, this.recommender.partsOf(product));
    return list;
  }

  similar(product: number, count: number): ProductList {
    const list = this.#list;
    list.count = 0;
    const { transitions, statistics, options } = this.recommender.base;
    const { backwardWeight, shrinkage, popularityPower } = options.blend;
    const row = transitions.targets.subarray(transitions.starts[product], transitions.starts[product + 1]);
    for (const target of this.recommender.similarItems(product, count)) {
      const entry = transitions.starts[product] + row.indexOf(target);
      const damping = (statistics.weighted[target] + shrinkage) ** -popularityPower;
      this.#push(target, {
        after: damping * transitions.forward[entry],
        before: damping * backwardWeight * transitions.backward[entry],
        votes: 0,
        revisit: 0,
      });
    }
    return list;
  }

  #push(product: number, { after, before, votes, revisit }: BlendParts): void {
    const list = this.#list;
    const rank = list.count++;
    list.products[rank] = product;
    list.scores[rank] = after + before + votes + revisit;
    list.reasons.set([after, before, votes, revisit, 0], rank * REASONS);
  }
}
