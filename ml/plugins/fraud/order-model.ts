import { MillraceError } from "../../../schema/index.ts";
import { FRAUD_FEATURES } from "../../features/index.ts";
import type { DecisionThresholds, OrderScorer } from "../../order-scorer.ts";
import type { Dataset, TrainOptions } from "../../plugin.ts";
import { averagePrecision } from "../../training/metrics.ts";
import { selectRows } from "../../training/row-reservoir.ts";
import type { LabelledTable } from "../../training/trees/boost.ts";
import { classifiers, type FittedModel, type FraudClassifier } from "./classifier.ts";
import { chooseThresholds, DECISION_COSTS } from "./decision.ts";

const FORMAT = "millrace-fraud/1";

/** Share of the rows, the newest, that are fitted on by no classifier. */
const HOLD_OUT_SHARE = 0.25;
/** Share of those, the newest, that decide which classifier is better, and the thresholds. */
const CHOICE_SHARE = 0.5;

/** A model of orders as it is stored: JSON. */
export interface StoredOrderModel {
  readonly format: typeof FORMAT;
  /** Name of a {@link classifiers} entry. */
  readonly classifier: string;
  readonly thresholds: DecisionThresholds;
  readonly model: FittedModel;
}

export interface FittedOrderModel {
  readonly stored: StoredOrderModel;
  /** Average precision on the rows of the choice, by classifier. */
  readonly compared: Readonly<Record<string, number>>;
  /** Why a classifier is not among them, by its name. */
  readonly failed: Readonly<Record<string, string>>;
}

/**
 * Fits every classifier on the older rows, stops and calibrates on newer ones, and keeps the one with the
 * better average precision on the newest, which no classifier has seen; the thresholds are those that
 * would have cost least there. Any but the first that cannot be fitted, or gives no numbers, is told and left
 * out. Rejects with code `dataset-unusable`, as where the newest lack a label; what the first refuses to be
 * fitted on is unusable.
 *
 * @param candidates for tests
 */
export async function fitOrderModel(
  dataset: Dataset,
  { seed, onProgress = () => undefined }: TrainOptions,
  candidates: readonly FraudClassifier[] = classifiers,
): Promise<FittedOrderModel> {
  const { older: train, newest: held } = splitNewest(dataset, HOLD_OUT_SHARE);
  const { older: stopping, newest: choice } = splitNewest(held, CHOICE_SHARE);
  requireBothLabels(choice);
  const tables = { train: tableOf(train), stopping: tableOf(stopping) };
  const compared: Record<string, number> = {};
  const failed: Record<string, string> = {};
  let best: StoredOrderModel | null = null;
  for (const classifier of candidates) {
    const options = { seed, onProgress, size: "serving" } as const;
    const scores = new Float64Array(choice.rows);
    let model: FittedModel;
    let figure: number;
    try {
      model = await classifier.fit(tables.train, tables.stopping, options);
      const scorer = classifier.load(model, "candidate", dataset.featureNames);
      scorer.score(choice.vectors, choice.rows, scores);
      figure = averagePrecision({ scores, labels: choice.labels });
    } catch (error) {
      if (best === null) throw error;
      failed[classifier.name] = error instanceof Error ? error.message : String(error);
      onProgress(`${classifier.name} is left out: ${failed[classifier.name]}`);
      continue;
    }
    onProgress(`${classifier.name}: average precision ${figure.toFixed(4)} on later orders`);
    compared[classifier.name] = figure;
    if (best !== null && figure <= compared[best.classifier]) continue;
    const scored = { scores, labels: choice.labels, amounts: amountsOf(choice) };
    const thresholds = chooseThresholds(scored, DECISION_COSTS);
    best = { format: FORMAT, classifier: classifier.name, thresholds, model };
  }
  if (best === null) throw new Error("there is no classifier");
  return { stored: best, compared, failed };
}

/** Amounts of the orders in units of their currency, from their vectors. */
export function amountsOf(dataset: Dataset): Float64Array {
  const width = dataset.featureNames.length;
  const feature = dataset.featureNames.indexOf("order_amount");
  return Float64Array.from(
    { length: dataset.rows },
    (_, row) => dataset.vectors[row * width + feature] / 100,
  );
}

/** Throws code `model-incompatible` where the bytes are no model of orders. */
export function loadOrderModel(weights: Uint8Array, modelVersion: string): OrderScorer {
  const refuse = (detail: string, cause?: unknown): MillraceError =>
    new MillraceError(`model ${modelVersion} cannot be used: ${detail}; train it again`, {
      code: "model-incompatible",
      origin: "user",
      cause,
    });
  let stored: Partial<StoredOrderModel> | null;
  try {
    stored = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(weights));
  } catch (cause) {
    throw refuse("its weights are no JSON", cause);
  }
  if (stored?.format !== FORMAT) throw refuse(`its weights are not of the form ${FORMAT}`);
  const classifier = classifiers.find(({ name }) => name === stored.classifier);
  if (classifier === undefined) throw refuse(`there is no classifier ${String(stored.classifier)}`);
  const { review, block } = stored.thresholds ?? {};
  if (typeof review !== "number" || typeof block !== "number" || !(review <= block)) {
    throw refuse("its thresholds are not two rising numbers");
  }
  const scorer = classifier.load(stored.model ?? {}, modelVersion, FRAUD_FEATURES);
  return { ...scorer, classifier: classifier.name, thresholds: { review, block } };
}

export function encodeOrderModel(stored: StoredOrderModel): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(stored));
}

function splitNewest(dataset: Dataset, share: number): { readonly older: Dataset; readonly newest: Dataset } {
  const order = Int32Array.from(dataset.times.keys()).sort(
    (a, b) => dataset.times[a] - dataset.times[b] || a - b,
  );
  const cut = Math.floor(dataset.rows * (1 - share));
  return {
    older: selectRows(dataset, order.slice(0, cut)),
    newest: selectRows(dataset, order.slice(cut)),
  };
}

function requireBothLabels({ labels, rows }: Dataset): void {
  const frauds = labels.reduce((total, label) => total + label, 0);
  if (frauds > 0 && frauds < rows) return;
  throw new MillraceError(
    `cannot choose between the models: of the ${rows} newest orders of training ${frauds} are fraud; let more labels come in`,
    { code: "dataset-unusable", origin: "user" },
  );
}

/** A dataset by column, in single precision, as trees and networks are fitted. */
export function tableOf(dataset: Dataset): LabelledTable {
  const { featureNames, vectors, rows } = dataset;
  const width = featureNames.length;
  return {
    featureNames,
    rows,
    labels: Uint8Array.from(dataset.labels),
    columns: featureNames.map((_, j) =>
      Float32Array.from({ length: rows }, (_, row) => vectors[row * width + j]),
    ),
  };
}
