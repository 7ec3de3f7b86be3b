import type { ListVisit, OnlineRecommender, ProductList, VisitRecommender } from "../../ml/index.ts";
import type { KeyDictionary } from "../../schema/index.ts";
import type { OperatorKeys } from "./operator-keys.ts";

const UNKNOWN = -1;

/** A list in words: the ids of its products, whoever made it. Holds until the next list. */
export interface NamedList {
  readonly list: ProductList;
  readonly modelVersion: string;
  /** Id of the product at a rank. */
  productId(rank: number): string;
}

/** A visit by the task's ids, and what may be shown of it. */
export interface VisitRequest {
  readonly visit: Int32Array;
  readonly length: number;
  readonly count: number;
  /** By the task's id; -1 is a product that the task never saw. */
  readonly allows: (product: number) => boolean;
}

export interface RecommendationListsDeps {
  readonly keys: OperatorKeys;
  readonly online: OnlineRecommender;
  /** Category of a product in the task's dictionary, -1: none. */
  readonly categoryOf: (product: number) => number;
  /** The trained model of this moment. */
  readonly model: () => VisitRecommender;
}

/** Version of what the stream learned by itself. */
export const ONLINE_VERSION = "learned-in-the-stream";

/**
 * Lists by the trained model where it knows a product of the visit, else by what the task learned
 * itself: before the first training, and for products that came after it. What the lists lack is
 * filled up by what is popular in the category of the newest look.
 */
export class RecommendationLists {
  private readonly keys: OperatorKeys;
  private readonly online: OnlineRecommender;
  private readonly categoryOf: (product: number) => number;
  private readonly newestModel: () => VisitRecommender;
  private model: VisitRecommender | null = null;
  private positions = new Map<string, number>();
  private categories = new Map<string, number>();
  /** Of the task's products: their position in the model; the other way round. */
  private readonly modelIds: number[] = [];
  private taskIds = new Int32Array(0);
  private visit = new Int32Array(64);

  constructor(deps: RecommendationListsDeps) {
    this.keys = deps.keys;
    this.online = deps.online;
    this.categoryOf = deps.categoryOf;
    this.newestModel = deps.model;
  }

  forVisit(request: VisitRequest): NamedList {
    const { visit, length, count, allows } = request;
    const model = this.takeModel();
    if (this.visit.length < length) this.visit = new Int32Array(2 * length);
    let isKnown = false;
    for (let k = 0; k < length; k++) {
      this.visit[k] = this.modelIds[visit[k]] ?? UNKNOWN;
      isKnown ||= this.visit[k] !== UNKNOWN;
    }
    const category = length === 0 ? UNKNOWN : this.categoryOf(visit[length - 1]);
    if (!isKnown || model === null)
      return this.named(this.online.recommend({ visit, length, count, category, allows }), null);
    const list = model.recommend({
      visit: this.visit,
      length,
      count,
      category:
        category === UNKNOWN
          ? UNKNOWN
          : (this.categories.get(this.keys.categoryId.text(category)) ?? UNKNOWN),
      allows: (position) => allows(this.taskIds[position]),
    });
    return this.named(list, model);
  }

  /** The products of a visit that the model knows. */
  knownOf({ visit, length }: VisitRequest): ListVisit {
    this.takeModel();
    let known = 0;
    for (let k = 0; k < length; k++) if ((this.modelIds[visit[k]] ?? UNKNOWN) !== UNKNOWN) known++;
    return { length, known };
  }

  /** Products most often seen with one. */
  similarTo(product: number, count: number): NamedList {
    const model = this.takeModel();
    const position = this.modelIds[product] ?? UNKNOWN;
    return position === UNKNOWN || model === null
      ? this.named(this.online.similar(product, count), null)
      : this.named(model.similar(position, count), model);
  }

  private named(list: ProductList, model: VisitRecommender | null): NamedList {
    const { productId }: { readonly productId: KeyDictionary } = this.keys;
    return {
      list,
      modelVersion: model === null ? ONLINE_VERSION : model.modelVersion,
      productId: (rank) =>
        model === null ? productId.text(list.products[rank]) : model.productIds[list.products[rank]],
    };
  }

  /** The model of this moment; null where it is untrained. Learns its names, and those of new products. */
  private takeModel(): VisitRecommender | null {
    const model = this.newestModel();
    if (this.model !== model) {
      this.model = model;
      this.positions = new Map(model.productIds.map((id, position) => [id, position]));
      this.categories = new Map(model.categoryIds.map((id, position) => [id, position]));
      this.modelIds.length = 0;
      this.taskIds = new Int32Array(model.productIds.length).fill(UNKNOWN);
    }
    this.meetNewProducts();
    return model.productIds.length === 0 ? null : model;
  }

  private meetNewProducts(): void {
    const { productId } = this.keys;
    for (let product = this.modelIds.length; product < productId.size; product++) {
      const position =
        this.positions.size === 0 ? UNKNOWN : (this.positions.get(productId.text(product)) ?? UNKNOWN);
      this.modelIds.push(position);
      if (position !== UNKNOWN) this.taskIds[position] = product;
    }
  }
}
