import type { Dataset, PrimaryMetric, Scorer } from "../plugin.ts";
import { advantageMin } from "./paired-bootstrap.ts";
import { type ClassifierFigure, type WeightedFigure, weightedFigure } from "./weighted-figures.ts";

/** {@link advantageMin} of a scorer over the champion, by the plugin's metric on the rows of the validation. */
export function scorerAdvantage(
  { name, better }: PrimaryMetric<ClassifierFigure>,
  { ours, champion }: { readonly ours: Scorer; readonly champion: Scorer },
  { vectors, labels, rows, groups }: Dataset,
  seed: number,
): number | null {
  const figureOf = (scorer: Scorer): WeightedFigure => {
    const scores = new Float64Array(rows);
    scorer.score(vectors, rows, scores);
    return weightedFigure(name, { scores, labels: labels.subarray(0, rows) });
  };
  return advantageMin({
    own: figureOf(ours),
    other: figureOf(champion),
    better,
    groups: groups.subarray(0, rows),
    seed,
  });
}
