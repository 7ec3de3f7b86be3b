import { reliability } from "../training/metrics.ts";
import type {
  Evidence,
  HitEvidence,
  ImportanceEvidence,
  ResidualEvidence,
  ScoreEvidence,
} from "./evidence.ts";
import type { Plot, PlotSeries } from "./svg-plot.ts";

/** Points of a curve that are drawn: more cannot be told apart. */
const POINTS_MAX = 400;
const BARS_MAX = 25;
const SHARE = { min: 0, max: 1 };

/** The plots that a piece of evidence is good for. */
export function plotsOf(evidence: Evidence): readonly Plot[] {
  switch (evidence.kind) {
    case "scores":
      return [rocPlot(evidence), precisionRecallPlot(evidence), calibrationPlot(evidence)];
    case "importance":
      return [importancePlot(evidence)];
    case "hits":
      return [hitPlot(evidence)];
    case "residuals":
      return [residualPlot(evidence), forecastPlot(evidence)];
  }
}

/** True and false positives when the `k` highest scores are called positive, at each distinct score. */
function rankedCounts(
  scores: Float64Array,
  labels: Float64Array,
): { readonly hits: number; readonly calls: number }[] {
  const order = Int32Array.from(scores, (_, i) => i).sort((a, b) => scores[b] - scores[a] || a - b);
  const counts: { hits: number; calls: number }[] = [];
  let hits = 0;
  for (let i = 0; i < order.length; i++) {
    hits += labels[order[i]];
    if (i + 1 === order.length || scores[order[i + 1]] !== scores[order[i]])
      counts.push({ hits, calls: i + 1 });
  }
  return counts;
}

function rocPlot({ title, labels, series }: ScoreEvidence): Plot {
  const positives = sum(labels);
  const curves = series.map(({ name, scores }): PlotSeries => {
    const points = rankedCounts(scores, labels).map(
      ({ hits, calls }) => [(calls - hits) / (labels.length - positives), hits / positives] as const,
    );
    return { name, style: "line", points: thinned([[0, 0], ...points]) };
  });
  return {
    kind: "lines",
    name: fileName("roc", title),
    title: `ROC: ${title}`,
    x: { label: "false positive rate", ...SHARE },
    y: { label: "true positive rate", ...SHARE },
    series: [...curves, diagonal("chance")],
  };
}

function precisionRecallPlot({ title, labels, series }: ScoreEvidence): Plot {
  const positives = sum(labels);
  const rate = positives / labels.length;
  const curves = series.map(({ name, scores }): PlotSeries => {
    const points = rankedCounts(scores, labels).map(
      ({ hits, calls }) => [hits / positives, hits / calls] as const,
    );
    return { name, style: "line", points: thinned(points) };
  });
  const chance: PlotSeries = {
    name: "chance",
    style: "dashed",
    points: [
      [0, rate],
      [1, rate],
    ],
  };
  return {
    kind: "lines",
    name: fileName("precision-recall", title),
    title: `Precision and recall: ${title}`,
    x: { label: "recall", ...SHARE },
    y: { label: "precision", ...SHARE },
    series: [...curves, chance],
  };
}

function calibrationPlot({ title, labels, series }: ScoreEvidence): Plot {
  const curves = series.map(
    ({ name, scores }): PlotSeries => ({
      name,
      style: "points",
      points: reliability({ scores, labels }, 20).map(({ meanScore, rate }) => [meanScore, rate] as const),
    }),
  );
  return {
    kind: "lines",
    name: fileName("calibration", title),
    title: `Calibration: ${title}`,
    x: { label: "mean score of a twentieth of the rows", ...SHARE },
    y: { label: "share that came true", ...SHARE },
    series: [...curves, diagonal("perfect")],
  };
}

function importancePlot({ title, unit, values }: ImportanceEvidence): Plot {
  const bars = Object.entries(values)
    .map(([name, value]) => ({ name, value }))
    .sort((a, b) => Math.abs(b.value) - Math.abs(a.value))
    .slice(0, BARS_MAX);
  return {
    kind: "bars",
    name: fileName("importance", title),
    title: `Importance: ${title}`,
    xLabel: unit,
    bars,
  };
}

function hitPlot({ title, series }: HitEvidence): Plot {
  const longest = Math.max(1, ...series.map(({ shares }) => shares.length));
  return {
    kind: "lines",
    name: fileName("hit-rate", title),
    title: `Hit rate by position: ${title}`,
    x: { label: "position", min: 0, max: longest },
    y: {
      label: "share of the cases",
      min: 0,
      max: Math.max(...series.flatMap(({ shares }) => [...shares]), 0.01),
    },
    series: series.map(({ name, shares }) => ({
      name,
      style: "line" as const,
      points: shares.map((share, i) => [i + 1, share] as const),
    })),
  };
}

/** Cumulative shares of the errors: tails stay visible, and methods lie over one another. */
function residualPlot({ title, actual, series }: ResidualEvidence): Plot {
  const sorted = series.map(({ name, forecast }) => ({
    name,
    errors: forecast.map((value, i) => value - actual[i]).sort(),
  }));
  const all = sorted[0].errors;
  // The middle 96 %: single large errors would leave the rest on one line.
  const [low, high] = [0.02, 0.98].map((q) => all[Math.floor(q * (all.length - 1))]);
  return {
    kind: "lines",
    name: fileName("residuals", title),
    title: `Residuals: ${title}`,
    x: { label: "forecast − actual", min: low, max: high },
    y: { label: "share of the forecasts with a residual up to it", ...SHARE },
    series: sorted.map(({ name, errors }) => ({
      name,
      style: "line" as const,
      points: thinned(
        Array.from(errors, (error, i) => [error, (i + 1) / errors.length] as const).filter(
          ([error]) => error >= low && error <= high,
        ),
      ),
    })),
  };
}

function forecastPlot({ title, actual, series }: ResidualEvidence): Plot {
  const [{ name, forecast }] = series;
  const points = thinned(Array.from(forecast, (value, i) => [log(value), log(actual[i])] as const));
  const max = Math.max(0.1, ...points.flat());
  return {
    kind: "lines",
    name: fileName("forecasts", title),
    title: `Forecasts and what came: ${title}`,
    x: { label: "log10(1 + forecast)", min: 0, max },
    y: { label: "log10(1 + actual)", min: 0, max },
    series: [
      { name, style: "points", points },
      {
        name: "equal",
        style: "dashed",
        points: [
          [0, 0],
          [max, max],
        ],
      },
    ],
  };
}

/** Every n-th point, and the last one. */
function thinned<P>(points: readonly P[]): readonly P[] {
  const step = Math.ceil(points.length / POINTS_MAX);
  return points.filter((_, i) => i % step === 0 || i === points.length - 1);
}

function diagonal(name: string): PlotSeries {
  return {
    name,
    style: "dashed",
    points: [
      [0, 0],
      [1, 1],
    ],
  };
}

function fileName(kind: string, title: string): string {
  return `${kind}-${title
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-|-$/g, "")}`;
}

function log(value: number): number {
  return Math.log10(1 + Math.max(0, value));
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0);
}
