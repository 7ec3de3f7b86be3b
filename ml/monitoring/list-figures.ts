import { type ProductList, RECOMMENDATION_REASONS } from "../recommender.ts";
import { type ModelReference, referenceBins } from "./reference.ts";

/** Products of a list that its figures are of, the first. */
const PRODUCTS_MAX = 10;
const REASONS = RECOMMENDATION_REASONS.length;

/** What is watched of lists in the place of a score's features: means are over the first products. */
export const LIST_FEATURES: readonly string[] = [
  "visit_length",
  "known_share",
  "list_length",
  ...RECOMMENDATION_REASONS.map((reason) => `mean_${reason}`),
];

/** What a list was made for: products of the visit, and those of them that the model knows. */
export interface ListVisit {
  readonly length: number;
  readonly known: number;
}

/**
 * Writes the {@link LIST_FEATURES} of a list and returns the score of its first product.
 * @param list null where the model knows no product of the visit and others answered
 */
export function readListFigures(list: ProductList | null, visit: ListVisit, out: Float64Array): number {
  const count = Math.min(PRODUCTS_MAX, list?.count ?? 0);
  out.fill(0);
  out[0] = visit.length;
  out[1] = visit.known / visit.length;
  out[2] = count;
  if (list === null || count === 0) return 0;
  for (let at = 0; at < count * REASONS; at++) out[3 + (at % REASONS)] += list.reasons[at] / count;
  return list.scores[0];
}

/** Gathers the figures of lists, for the card of the model that made them. */
export class ListReference {
  private readonly scores: number[] = [];
  private readonly columns: readonly number[][] = LIST_FEATURES.map(() => []);
  private readonly row = new Float64Array(LIST_FEATURES.length);

  add(list: ProductList | null, visit: ListVisit): void {
    this.scores.push(readListFigures(list, visit, this.row));
    for (const [j, column] of this.columns.entries()) column.push(this.row[j]);
  }

  read(): ModelReference {
    const features = LIST_FEATURES.map(
      (name, j) => [name, referenceBins(Float64Array.from(this.columns[j]))] as const,
    );
    return {
      score: referenceBins(Float64Array.from(this.scores)),
      features: Object.fromEntries(features),
    };
  }
}
