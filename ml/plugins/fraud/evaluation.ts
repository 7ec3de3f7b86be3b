import { defineEvaluation, type EvaluationContext, type EvaluationResult } from "../../evaluation.ts";
import type { Scorer } from "../../plugin.ts";
import {
  auc,
  averagePrecision,
  calibrationError,
  logLoss,
  reliability,
  type Scored,
} from "../../training/metrics.ts";
import { scoreByFeature, scoreByLogistic } from "./baselines.ts";
import { classifiers, type FraudClassifier } from "./classifier.ts";
import { chooseThresholds, DECISION_COSTS, decide, type ScoredPayments } from "./decision.ts";
import { FRAUD_FEATURES } from "./payment-fold.ts";
import { foldRows, type PaymentRows, vectorsOf } from "./payment-rows.ts";
import { splitPayments } from "./payment-split.ts";
import { DAY_MS, type PaymentTable, readPayments } from "./payments.ts";
import { cardPrecision, precisionAt } from "./precision-at.ts";

/** Share of the genuine training payments that are learnt from: there are a hundred to each fraud. */
const NEGATIVE_SHARE = 0.25;

/** Share of the payments, those of the highest scores, that calibration is shown for in detail. */
const HIGHEST_SHARE = 0.02;

/** Cards that are looked into each day, as the handbook reports it. */
const CARDS_A_DAY = 100;

/** Of the test's genuine payments, one in so many is explained for the mean contributions. */
const EXPLAINED_EVERY = 50;

export const fraudEvaluation = defineEvaluation({
  doc: "Fraud Detection Handbook: labels known after 7 days, training ends 8 days before the test",
  options: {
    train: { kind: "file", doc: "payments, handbook CSV", required: true },
    test: {
      kind: "file",
      doc: "later payments in the same form; without it, the last 7 days of the training file",
      required: false,
    },
    classifier: {
      kind: "choice",
      doc: "boosted trees, or a network trained with TensorFlow.js",
      choices: ["trees", "network"],
      default: "trees",
    },
  },
  example: "--train payments.csv.gz --test payments-of-the-next-week.csv.gz",
  async run({ train, test, classifier }, context) {
    const began = context.clock();
    const table = await readPayments(test === null ? [train] : [train, test]);
    context.onProgress(`${table.rows} payments read`);
    const readSeconds = (context.clock() - began) / 1000;
    return evaluatePayments(table, context, { classifier: classifierOf(classifier), readSeconds });
  },
});

function classifierOf(name: string): FraudClassifier {
  return classifiers.find((candidate) => candidate.name === name) ?? classifiers[0];
}

/** Trains on the earlier payments of a table and measures on its test; see {@link splitPayments}. */
export async function evaluatePayments(
  table: PaymentTable,
  { seed, onProgress, clock, onEvidence }: EvaluationContext,
  {
    classifier = classifiers[0],
    readSeconds = 0,
  }: { readonly classifier?: FraudClassifier; readonly readSeconds?: number } = {},
): Promise<EvaluationResult> {
  const split = splitPayments(table);
  const timed = async <T>(work: () => T | Promise<T>): Promise<{ value: T; seconds: number }> => {
    const began = clock();
    const value = await work();
    return { value, seconds: (clock() - began) / 1000 };
  };
  const folded = await timed(() => foldRows(table, split, { negativeShare: NEGATIVE_SHARE, seed }));
  const { train, holdOut, test, summary } = folded.value;
  onProgress(`${FRAUD_FEATURES.length} features; ${train.rows} rows to train on, ${test.rows} to test`);
  const trained = await timed(() => classifier.fit(train, holdOut, { seed, onProgress, size: "accuracy" }));
  const scorer = classifier.load(trained.value, "evaluated", FRAUD_FEATURES);
  const vectors = vectorsOf(test);
  const scores = new Float64Array(test.rows);
  const scored = await timed(() => scorer.score(vectors, test.rows, scores));
  onProgress("baselines");
  const { stateBytes } = summary;
  const logistic = scoreByLogistic(train, test, seed);
  const contributions = meanContributions(scorer, vectors, test);
  onEvidence?.({
    kind: "scores",
    title: "test week",
    labels: Float64Array.from(test.labels),
    series: [
      { name: "ours", scores },
      { name: "logistic regression", scores: logistic },
    ],
  });
  onEvidence?.({
    kind: "importance",
    title: "features",
    unit: "mean size of the contribution, log-odds",
    values: contributions,
  });
  return {
    rows: test.rows,
    positives: test.labels.reduce((total, label) => total + label, 0),
    seed,
    trainRows: train.rows,
    trainedOn: days(split.trainFromDay, split.holdOutFromDay - 1),
    heldOut: days(split.holdOutFromDay, split.trainToDay),
    testedOn: days(split.testFromDay, split.testToDay),
    ...figures(scores, test, table),
    baselines: {
      amount: ranking(scoreByFeature(test, "amount"), test, table),
      logistic: figures(logistic, test, table),
    },
    ...decisions(scorer, scores, holdOut, test, table),
    classifier: classifier.name,
    ...(Array.isArray(trained.value.roots) ? { trees: trained.value.roots.length } : {}),
    features: FRAUD_FEATURES.length,
    meanContributions: contributions,
    seconds: {
      read: readSeconds,
      features: folded.seconds,
      training: trained.seconds,
      scoring: scored.seconds,
    },
    stateBytes,
    stateBytesPerEntity: {
      customer: Math.round(stateBytes.customers / table.customers),
      terminal: Math.round(stateBytes.terminals / table.terminals),
    },
  };
}

/** What any order of the test's payments can be measured by. */
function ranking(scores: Float64Array, test: PaymentRows, table: PaymentTable): Record<string, number> {
  const scored = { scores, labels: Float64Array.from(test.labels) };
  return {
    auc: auc(scored),
    averagePrecision: averagePrecision(scored),
    precisionAt100: precisionAt(scored, 100),
    precisionAt300: precisionAt(scored, 300),
    cardPrecisionAt100: cardPrecision(scored, test.payments, table, CARDS_A_DAY),
  };
}

/** The same, and what probabilities can be measured by. */
function figures(scores: Float64Array, test: PaymentRows, table: PaymentTable): Record<string, unknown> {
  const scored = { scores, labels: Float64Array.from(test.labels) };
  const bins = reliability(scored);
  return {
    ...ranking(scores, test, table),
    logLoss: logLoss(scored),
    calibrationError: calibrationError(bins),
    reliability: bins,
    // Nine in ten bins above hold payments that nobody would look into.
    reliabilityOfHighest: reliability(highest(scored, HIGHEST_SHARE)),
  };
}

/** The rows of the highest scores. */
function highest({ scores, labels }: Scored, share: number): Scored {
  const order = Int32Array.from(scores.keys()).sort((a, b) => scores[b] - scores[a] || a - b);
  const rows = order.subarray(0, Math.ceil(share * order.length));
  return {
    scores: Float64Array.from(rows, (row) => scores[row]),
    labels: Float64Array.from(rows, (row) => labels[row]),
  };
}

/** Thresholds by cost on the hold-out, and what they would have done in the test. */
function decisions(
  scorer: Scorer,
  scores: Float64Array,
  holdOut: PaymentRows,
  test: PaymentRows,
  table: PaymentTable,
): Record<string, unknown> {
  const heldOutScores = new Float64Array(holdOut.rows);
  scorer.score(vectorsOf(holdOut), holdOut.rows, heldOutScores);
  const thresholds = chooseThresholds(withAmounts(heldOutScores, holdOut, table), DECISION_COSTS);
  return {
    costs: DECISION_COSTS,
    thresholds,
    decisions: decide(withAmounts(scores, test, table), thresholds, DECISION_COSTS),
  };
}

function withAmounts(scores: Float64Array, rows: PaymentRows, table: PaymentTable): ScoredPayments {
  return {
    scores,
    labels: Float64Array.from(rows.labels),
    amounts: Float64Array.from(rows.payments, (payment) => table.amount[payment]),
  };
}

/** Features by the mean size of their contributions to the log-odds, the largest first. */
function meanContributions(
  scorer: Scorer,
  vectors: Float64Array,
  test: PaymentRows,
): Readonly<Record<string, number>> {
  const width = scorer.featureNames.length;
  const sums = new Float64Array(width);
  const parts = new Float64Array(width);
  let weight = 0;
  for (let row = 0; row < test.rows; row++) {
    if (test.labels[row] === 0 && row % EXPLAINED_EVERY > 0) continue;
    const stands = test.labels[row] === 1 ? 1 : EXPLAINED_EVERY;
    weight += stands;
    scorer.contributions(vectors.subarray(row * width, (row + 1) * width), parts);
    for (let j = 0; j < width; j++) sums[j] += stands * Math.abs(parts[j]);
  }
  const order = Array.from(sums.keys()).sort((a, b) => sums[b] - sums[a]);
  return Object.fromEntries(order.map((j) => [scorer.featureNames[j], sums[j] / weight]));
}

function days(from: number, to: number): { from: string; to: string } {
  const iso = (day: number): string => new Date(day * DAY_MS).toISOString().slice(0, 10);
  return { from: iso(from), to: iso(to) };
}
