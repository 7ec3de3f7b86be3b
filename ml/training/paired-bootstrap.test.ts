import { describe, expect, it } from "vitest";
import { auc, averagePrecision, brier, logLoss, type Scored } from "./metrics.ts";
import { advantageMin } from "./paired-bootstrap.ts";
import { createRandom } from "./random.ts";
import { type ClassifierFigure, weightedFigure } from "./weighted-figures.ts";

const PLAIN: Readonly<Record<ClassifierFigure, (scored: Scored) => number>> = {
  auc,
  averagePrecision,
  logLoss,
  brier,
};

/** Scores of which those of positives are `shift` higher, squeezed into 0 to 1. */
function scoresOf(labels: Float64Array, shift: number, random: () => number): Float64Array {
  return labels.map((label) => {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    return 1 / (1 + Math.exp(3 - shift * label - normal));
  });
}

function advantageOf(
  name: ClassifierFigure,
  { own, other, labels }: Record<"own" | "other" | "labels", Float64Array>,
): number | null {
  return advantageMin({
    own: weightedFigure(name, { scores: own, labels }),
    other: weightedFigure(name, { scores: other, labels }),
    better: name === "auc" || name === "averagePrecision" ? "higher" : "lower",
    groups: Int32Array.from(labels.keys()),
    seed: 1,
  });
}

describe("a figure of counted rows", () => {
  it.each(Object.keys(PLAIN) as ClassifierFigure[])("%s is that of the rows written out (seed 2)", (name) => {
    const random = createRandom(2);
    const labels = Float64Array.from({ length: 300 }, () => (random() < 0.3 ? 1 : 0));
    // With ties.
    const scores = scoresOf(labels, 1, random).map((score) => Math.round(20 * score) / 20);
    const counts = labels.map(() => Math.floor(3 * random()));
    const rows = Array.from(labels.keys()).flatMap((row) => new Array<number>(counts[row]).fill(row));
    const written = {
      scores: Float64Array.from(rows, (row) => scores[row]),
      labels: Float64Array.from(rows, (row) => labels[row]),
    };
    expect(weightedFigure(name, { scores, labels })(counts)).toBeCloseTo(PLAIN[name](written), 12);
  });
});

describe("the advantage of one model over another", () => {
  it("is above 0 for few of the models that are no better, where half are better by chance (seed 3)", () => {
    const random = createRandom(3);
    const labels = new Float64Array(1000).fill(1, 0, 60);
    let [better, passed] = [0, 0];
    const trials = 100;
    for (let trial = 0; trial < trials; trial++) {
      const [own, other] = [scoresOf(labels, 2, random), scoresOf(labels, 2, random)];
      if (averagePrecision({ scores: own, labels }) > averagePrecision({ scores: other, labels })) better++;
      if ((advantageOf("averagePrecision", { own, other, labels }) ?? 0) > 0) passed++;
    }
    expect(better).toBeGreaterThan(35);
    expect(passed).toBeLessThan(12);
  });

  it.each(["averagePrecision", "auc", "logLoss", "brier"] as const)(
    "is above 0 by %s where it is clearly better, and the same for the same seed (seed 4)",
    (name) => {
      const random = createRandom(4);
      const labels = new Float64Array(3000).fill(1, 0, 300);
      const [own, other] = [scoresOf(labels, 3, random), scoresOf(labels, 1, random)];
      const bound = advantageOf(name, { own, other, labels });
      expect(bound).toBeGreaterThan(0);
      expect(advantageOf(name, { own, other, labels })).toBe(bound);
      expect(advantageOf(name, { own: other, other: own, labels })).toBeLessThan(0);
      expect(advantageOf(name, { own, other: own, labels })).toBe(0);
    },
  );

  it("is less sure where the rows are those of few sessions (seed 5)", () => {
    const random = createRandom(5);
    const labels = Float64Array.from({ length: 2000 }, (_, row) => (Math.floor(row / 100) % 4 === 0 ? 1 : 0));
    // Each session of 100 rows is scored alike.
    const ofSession = (shift: number): Float64Array => {
      const sessions = Float64Array.from({ length: 20 }, (_, i) => labels[100 * i]);
      const scores = scoresOf(sessions, shift, random);
      return labels.map((_, row) => scores[Math.floor(row / 100)]);
    };
    const figures = {
      own: weightedFigure("brier", { scores: ofSession(2.5), labels }),
      other: weightedFigure("brier", { scores: ofSession(2), labels }),
      better: "lower",
      seed: 1,
    } as const;
    const byRow = advantageMin({ ...figures, groups: Int32Array.from(labels.keys()) });
    const bySession = advantageMin({
      ...figures,
      groups: Int32Array.from(labels, (_, row) => Math.floor(row / 100)),
    });
    expect(bySession).not.toBeNull();
    expect(bySession).toBeLessThan(Number(byRow));
  });

  it("is none where most resamples have no figure", () => {
    const labels = new Float64Array(100);
    const [own, other] = [labels.map((_, i) => i / 100), labels.map((_, i) => 1 - i / 100)];
    expect(advantageOf("averagePrecision", { own, other, labels })).toBeNull();
  });
});
