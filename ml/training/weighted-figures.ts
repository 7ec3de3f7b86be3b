import { ascending, type Scored } from "./metrics.ts";

/** A figure over rows of which each counts as often as it says; NaN where that leaves nothing to measure. */
export type WeightedFigure = (counts: Float64Array) => number;

/** Figures of {@link classifierReport} that a resample can be measured by. */
export type ClassifierFigure = "auc" | "averagePrecision" | "logLoss" | "brier";

/** The figure of these scores, prepared to be asked again and again: a pass over the rows each time. */
export function weightedFigure(name: ClassifierFigure, scored: Scored): WeightedFigure {
  switch (name) {
    case "auc":
      return weightedAuc(scored);
    case "averagePrecision":
      return weightedAveragePrecision(scored);
    case "logLoss":
      return weightedMean(
        scored.scores.map((score, i) => {
          const p = Math.min(1 - Number.EPSILON, Math.max(Number.EPSILON, score));
          return scored.labels[i] === 1 ? -Math.log(p) : -Math.log1p(-p);
        }),
      );
    case "brier":
      return weightedMean(scored.scores.map((score, i) => (score - scored.labels[i]) ** 2));
  }
}

/** Mean of a figure that each row has by itself. */
export function weightedMean(values: Float64Array): WeightedFigure {
  return (counts) => {
    let [total, rows] = [0, 0];
    for (let i = 0; i < values.length; i++) {
      total += counts[i] * values[i];
      rows += counts[i];
    }
    return total / rows;
  };
}

function weightedAuc(scored: Scored): WeightedFigure {
  const ties = tiesOf(scored);
  return (counts) => {
    let [negatives, positives, wins] = [0, 0, 0];
    ties.forEachAscending(counts, (tiedPositives, tiedNegatives) => {
      wins += tiedPositives * (negatives + tiedNegatives / 2);
      negatives += tiedNegatives;
      positives += tiedPositives;
    });
    return wins / (positives * negatives);
  };
}

function weightedAveragePrecision(scored: Scored): WeightedFigure {
  const ties = tiesOf({ scores: scored.scores.map((score) => -score), labels: scored.labels });
  return (counts) => {
    let [seen, hits, total] = [0, 0, 0];
    ties.forEachAscending(counts, (tiedPositives, tiedNegatives) => {
      hits += tiedPositives;
      seen += tiedPositives + tiedNegatives;
      if (tiedPositives > 0) total += (tiedPositives * hits) / seen;
    });
    return total / hits;
  };
}

/** Rows of equal scores together, in the order of their scores. */
function tiesOf({ scores, labels }: Scored) {
  const order = ascending(scores);
  return {
    forEachAscending(
      counts: Float64Array,
      visit: (tiedPositives: number, tiedNegatives: number) => void,
    ): void {
      for (let i = 0; i < order.length; ) {
        const score = scores[order[i]];
        let [positives, negatives] = [0, 0];
        for (; i < order.length && scores[order[i]] === score; i++) {
          const row = order[i];
          if (labels[row] === 1) positives += counts[row];
          else negatives += counts[row];
        }
        visit(positives, negatives);
      }
    },
  };
}
