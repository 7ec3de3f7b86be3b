import type { Dataset, Scorer } from "../plugin.ts";
import type { Evidence } from "../report/evidence.ts";

/** Vectors whose contributions are taken: of a tree model each costs milliseconds. */
const EXPLAINED_MAX = 2000;

/**
 * Tells what the plots of a trained scorer are drawn from: its scores beside those of the champion and of
 * baselines that are probabilities, and what moves them.
 */
export function tellEvidence(
  validation: Dataset,
  { ours, champion }: { readonly ours: Scorer; readonly champion: Scorer },
  baselines: readonly { readonly name: string; readonly scores: Float64Array }[],
  onEvidence: ((evidence: Evidence) => void) | undefined,
): void {
  if (onEvidence === undefined) return;
  const scoresOf = (scorer: Scorer): Float64Array => {
    const scores = new Float64Array(validation.rows);
    scorer.score(validation.vectors, validation.rows, scores);
    return scores;
  };
  onEvidence({
    kind: "scores",
    title: "validation",
    labels: validation.labels.slice(0, validation.rows),
    series: [
      { name: "ours", scores: scoresOf(ours) },
      { name: `champion ${champion.modelVersion}`, scores: scoresOf(champion) },
      ...baselines,
    ],
  });
  onEvidence({
    kind: "importance",
    title: "features",
    unit: "mean size of the contribution, log-odds",
    values: meanContributions(ours, validation),
  });
}

/** Mean size of each feature's contribution, over rows spread evenly. */
function meanContributions(scorer: Scorer, { vectors, rows, featureNames }: Dataset): Record<string, number> {
  const width = featureNames.length;
  const sums = new Float64Array(width);
  const parts = new Float64Array(width);
  const step = Math.ceil(rows / EXPLAINED_MAX);
  let count = 0;
  for (let row = 0; row < rows; row += step, count++) {
    scorer.contributions(vectors.subarray(row * width, (row + 1) * width), parts);
    for (let j = 0; j < width; j++) sums[j] += Math.abs(parts[j]);
  }
  return Object.fromEntries(featureNames.map((name, j) => [name, sums[j] / count]));
}
