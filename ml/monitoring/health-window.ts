import type { SlotArray, StateSection } from "../../schema/index.ts";
import { binOf, type ModelReference, REFERENCE_BINS_MAX, type ReferenceBins } from "./reference.ts";
import { populationStability } from "./stability.ts";

/** Bins of the reliability table: equal ranges of the score. */
export const CALIBRATION_BINS = 10;

/** Places in the figures. */
const ROWS = 0;
const SCORE_SUM = 1;
const LABELS = 2;
const POSITIVES = 3;
const TRUE_POSITIVES = 4;
const FALSE_POSITIVES = 5;
/** From here on, by bin of the score: labels, positives, sum of scores. */
const CALIBRATION = 6;
const FIGURES = CALIBRATION + 3 * CALIBRATION_BINS;

/** Health of a model over a window. Figures that nothing is known of are null. */
export interface ModelHealth {
  /** Scores sampled. */
  readonly rows: number;
  readonly meanScore: number | null;
  /** Population stability index of the scores; null without a reference. */
  readonly scoreStability: number | null;
  /** The same by feature, the least stable first; empty without a reference. */
  readonly featureStability: readonly { readonly feature: string; readonly index: number }[];
  /** Sampled scores whose label became known. */
  readonly labels: number;
  readonly positives: number;
  /** Of the scores at or above the threshold, how many were positive. */
  readonly truePositives: number;
  readonly falsePositives: number;
  readonly precision: number | null;
  readonly recall: number | null;
  /** Mean over the labels of |mean score − rate| of their tenth of the score; null for lists. */
  readonly calibrationError: number | null;
}

/**
 * Counts of one window: how sampled vectors and scores fall into the bins of the model's reference,
 * and how scores and the labels that became known later agree. Its memory is in `section`: some
 * kilobytes, whatever comes.
 */
export class HealthWindow {
  private readonly featureNames: readonly string[];
  private readonly counts: SlotArray<Int32Array>;
  private readonly figures: SlotArray<Float64Array>;
  private reference: ModelReference | null = null;
  private featureBins: readonly (ReferenceBins | null)[] = [];

  constructor(section: StateSection, featureNames: readonly string[]) {
    this.featureNames = featureNames;
    this.counts = section.int32("counts");
    this.figures = section.float64("figures");
  }

  get rows(): number {
    return this.figures.length === 0 ? 0 : this.figures.values[ROWS];
  }

  get labels(): number {
    return this.figures.length === 0 ? 0 : this.figures.values[LABELS];
  }

  /** What later samples are held against; call it with an empty window. */
  setReference(reference: ModelReference | null): void {
    this.reference = reference;
    this.featureBins = this.featureNames.map((name) => reference?.features[name] ?? null);
  }

  /** Counts a score and its vector, which begins at `base`. */
  addScore(score: number, vectors: Float64Array, base: number): void {
    this.ensure();
    const { figures, counts } = this;
    figures.values[ROWS]++;
    figures.values[SCORE_SUM] += score;
    figures.mark(0);
    if (this.reference === null) return;
    counts.markRange(0, counts.length);
    counts.values[binOf(this.reference.score, score)]++;
    for (let j = 0; j < this.featureBins.length; j++) {
      const bins = this.featureBins[j];
      if (bins !== null) counts.values[(j + 1) * REFERENCE_BINS_MAX + binOf(bins, vectors[base + j])]++;
    }
  }

  /** Counts the label, 0 or 1, that a score turned out to have. */
  addLabel(score: number, label: number, threshold: number): void {
    this.ensure();
    const { values } = this.figures;
    values[LABELS]++;
    values[POSITIVES] += label;
    if (score >= threshold) values[label === 1 ? TRUE_POSITIVES : FALSE_POSITIVES]++;
    const bin = Math.min(CALIBRATION_BINS - 1, Math.max(0, Math.floor(score * CALIBRATION_BINS)));
    const at = CALIBRATION + 3 * bin;
    values[at]++;
    values[at + 1] += label;
    values[at + 2] += score;
    this.figures.mark(0);
    this.figures.markRange(at, at + 3);
  }

  /**
   * Counts a list and what came of it: of what is looked at next every list shows some or nothing, so that
   * recall is the share of the lists that had it, and precision its share of all that was shown.
   */
  addList({ isHit, shown }: { readonly isHit: boolean; readonly shown: number }): void {
    this.ensure();
    const { values } = this.figures;
    values[LABELS]++;
    values[POSITIVES]++;
    if (isHit) values[TRUE_POSITIVES]++;
    values[FALSE_POSITIVES] += shown - (isHit ? 1 : 0);
    this.figures.mark(0);
  }

  read(): ModelHealth {
    this.ensure();
    const { values } = this.figures;
    const rows = values[ROWS];
    const labels = values[LABELS];
    let calibrated = 0;
    const truePositives = values[TRUE_POSITIVES];
    const falsePositives = values[FALSE_POSITIVES];
    let error = 0;
    for (let at = CALIBRATION; at < FIGURES; at += 3) {
      calibrated += values[at];
      error += Math.abs(values[at + 2] - values[at + 1]);
    }
    return {
      rows,
      meanScore: ratio(values[SCORE_SUM], rows),
      scoreStability:
        this.reference === null || rows === 0
          ? null
          : populationStability(this.reference.score, this.counts.values),
      featureStability: rows === 0 ? [] : this.featureStability(),
      labels,
      positives: values[POSITIVES],
      truePositives,
      falsePositives,
      precision: ratio(truePositives, truePositives + falsePositives),
      recall: ratio(truePositives, values[POSITIVES]),
      calibrationError: ratio(error, calibrated),
    };
  }

  clear(): void {
    this.counts.reset();
    this.figures.reset();
  }

  private featureStability(): { readonly feature: string; readonly index: number }[] {
    const found = this.featureBins.flatMap((bins, j) =>
      bins === null
        ? []
        : [
            {
              feature: this.featureNames[j],
              index: populationStability(bins, this.counts.values, (j + 1) * REFERENCE_BINS_MAX),
            },
          ],
    );
    return found.sort((a, b) => b.index - a.index);
  }

  private ensure(): void {
    this.counts.ensure((this.featureNames.length + 1) * REFERENCE_BINS_MAX);
    this.figures.ensure(FIGURES);
  }
}

function ratio(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}
