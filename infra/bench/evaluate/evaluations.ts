import { fraudRings } from "./fraud-rings.ts";
import { atLeast, atMost } from "./judged-figure.ts";
import { pluginEvaluation } from "./plugin-evaluation.ts";
import { propensityInTheStream } from "./propensity-in-the-stream.ts";

const itemKnn = (path: string) => ({ name: "item-kNN", path: `baselines.itemKnn.${path}` });

interface RankingTargets {
  readonly all: readonly [hitRate: number, mrr: number];
  readonly discovery: readonly [hitRate: number, mrr: number];
}

/** Targets are of the usual test splits, from which targets are left out that the training does not know. */
function recommend(name: string, path: string, targets: RankingTargets) {
  const table = (title: string, key: "all" | "discovery") => [
    {
      name: `${title}: hit rate`,
      path: `${key}.hitRate20`,
      baseline: itemKnn(`${key}.hitRate20`),
    },
    { name: `${title}: reciprocal rank`, path: `${key}.mrr20`, baseline: itemKnn(`${key}.mrr20`) },
    {
      name: `${title}, known targets: hit rate`,
      path: `${key}.ofKnown.hitRate20`,
      baseline: itemKnn(`${key}.ofKnown.hitRate20`),
      target: atLeast(targets[key][0]),
    },
    {
      name: `${title}, known targets: reciprocal rank`,
      path: `${key}.ofKnown.mrr20`,
      baseline: itemKnn(`${key}.ofKnown.mrr20`),
      target: atLeast(targets[key][1]),
    },
  ];
  return pluginEvaluation({
    name,
    plugin: "recommend",
    doc: "newest tenth of the sessions, every prefix, first 20 of all items",
    file: { option: "train", path },
    figures: [
      ...table("all targets", "all"),
      ...table("discovery", "discovery"),
      { name: "share of the items shown", path: "all.coverage", baseline: itemKnn("all.coverage") },
      {
        name: "mean place by popularity of what is shown",
        path: "all.popularityRankShown",
        baseline: itemKnn("all.popularityRankShown"),
      },
      { name: "answer, p50, ms", path: "answerMs.p50", target: atMost(5) },
      { name: "answer, p99, ms", path: "answerMs.p99" },
    ],
  });
}

const naive = (path: string) => ({ name: "naive", path: `methods.naive.${path}` });

/** Every figure of ml/README.md that has a target, each on its public file. */
export const EVALUATIONS = [
  pluginEvaluation({
    name: "fraud",
    plugin: "fraud",
    doc: "Fraud Detection Handbook, last 7 days",
    file: { option: "train", path: "fraud/handbook-2018-04-01-to-2018-08-14.csv.gz" },
    figures: [
      {
        name: "AUC",
        path: "auc",
        baseline: { name: "logistic regression", path: "baselines.logistic.auc" },
        target: atLeast(0.875),
      },
      {
        name: "average precision",
        path: "averagePrecision",
        baseline: { name: "logistic regression", path: "baselines.logistic.averagePrecision" },
        target: atLeast(0.755),
      },
      {
        name: "log loss",
        path: "logLoss",
        baseline: { name: "logistic regression", path: "baselines.logistic.logLoss" },
      },
      { name: "calibration error", path: "calibrationError" },
    ],
  }),
  fraudRings,
  recommend("recommend-retailrocket", "sessions/retailrocket-train-sessions.txt.gz", {
    all: [0.582, 0.301],
    discovery: [0.367, 0.131],
  }),
  recommend("recommend-yoochoose", "sessions/yoochoose64-train-sessions.txt.gz", {
    all: [0.709, 0.313],
    discovery: [0.646, 0.293],
  }),
  pluginEvaluation({
    name: "forecast",
    plugin: "forecast",
    doc: "weekly demand of Online Retail, 200 products, origins after 30 to 34 weeks, horizons 1 to 4",
    file: { option: "orders", path: "orders/online-retail-2010-12-to-2011-08.csv.gz" },
    options: { horizon: 4 },
    figures: [
      { name: "WAPE", path: "wape", baseline: naive("wape"), target: atMost(0.572) },
      { name: "bias, signed", path: "bias", baseline: naive("bias") },
      {
        name: "bias, its size",
        path: "bias",
        isAbsolute: true,
        baseline: naive("bias"),
        target: atMost(0.15),
      },
      { name: "share within 80 %", path: "coverage80" },
      { name: "share within 95 %", path: "coverage95" },
    ],
  }),
  pluginEvaluation({
    name: "propensity",
    plugin: "propensity",
    doc: "UCI shoppers, stratified 10-fold",
    file: { option: "train", path: "propensity/uci-online-shoppers-dev.csv.gz" },
    figures: [
      {
        name: "AUC",
        path: "auc",
        baseline: { name: "base rate", path: "baseline.auc" },
        target: atLeast(0.933),
      },
      {
        name: "average precision",
        path: "averagePrecision",
        baseline: { name: "base rate", path: "baseline.averagePrecision" },
        target: atLeast(0.75),
      },
      {
        name: "AUC without PageValues",
        path: "withoutPageValues.auc",
        baseline: { name: "base rate", path: "baseline.auc" },
        target: atLeast(0.785),
      },
      {
        name: "average precision without PageValues",
        path: "withoutPageValues.averagePrecision",
        baseline: { name: "base rate", path: "baseline.averagePrecision" },
        target: atLeast(0.39),
      },
      {
        name: "log loss without PageValues",
        path: "withoutPageValues.logLoss",
        baseline: { name: "base rate", path: "baseline.logLoss" },
        target: atMost(0.358),
      },
    ],
  }),
  propensityInTheStream,
] as const;
