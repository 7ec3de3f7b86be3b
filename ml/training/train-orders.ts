import type { QueryEngine } from "../../lakehouse/index.ts";
import { MillraceError } from "../../schema/index.ts";
import { modelReference } from "../monitoring/reference.ts";
import type { OrderBaseline, OrderScorerPlugin } from "../order-scorer.ts";
import type { Dataset } from "../plugin.ts";
import { loadChampion } from "../registry/load-champion.ts";
import type { ModelCard } from "../registry/model-card.ts";
import { readVerdicts, replayBronzeOrders } from "./bronze-orders.ts";
import { giveAlias } from "./give-alias.ts";
import { classifierReport, positiveRate } from "./metrics.ts";
import { OrderSamples, type OrderVerdict } from "./order-samples.ts";
import { scoreMicros } from "./score-micros.ts";
import { scorerAdvantage } from "./scorer-advantage.ts";
import { tellEvidence } from "./scorer-evidence.ts";
import type { TrainedModel, TrainPluginOptions } from "./train-plugin.ts";

export interface TrainOrdersOptions extends Omit<TrainPluginOptions, "events"> {
  readonly engine: QueryEngine;
}

/** Newest orders kept: 1.2 kB each. */
const ROWS_MAX = 300_000;
const TRAIN_SHARE = 0.8;

/**
 * Replays the orders that the stream scored, fits on those before a cut with the labels that were known
 * at the cut, evaluates on those behind it with all labels, publishes the version and gives it an alias.
 * Rejects with code `dataset-unusable`, and publishes nothing, where the data cannot carry a model.
 */
export async function trainOrders(
  plugin: OrderScorerPlugin,
  options: TrainOrdersOptions,
): Promise<TrainedModel> {
  const { engine, registry, onProgress } = options;
  const samples = new OrderSamples(plugin.orderFeatures, options.rowsMax ?? ROWS_MAX);
  await replayBronzeOrders({
    engine,
    onOrder: (order) => samples.add(order),
    ...(onProgress === undefined ? {} : { onProgress }),
  });
  const verdicts = await readVerdicts(engine);
  const times = samples.times();
  const endMs = newestTime(times, verdicts);
  // Among those whose label is known by now: the newest orders can be neither learnt from nor measured on.
  const known = samples.dataset({ verdicts, nowMs: endMs }).dataset.times;
  const cutMs = known[Math.floor(known.length * (options.trainShare ?? TRAIN_SHARE))] ?? endMs;
  const train = samples.dataset({ verdicts: knownBy(verdicts, cutMs), nowMs: cutMs, toMs: cutMs });
  const validation = samples.dataset({ verdicts, nowMs: endMs, fromMs: cutMs });
  requireBothLabels(train.dataset, "before");
  requireBothLabels(validation.dataset, "behind");
  const weights = await plugin.train(train.dataset, options);
  const candidate = plugin.load(weights, "candidate");
  const champion = await loadChampion(registry, plugin);
  const baselines = plugin.scoreBaselines(train.dataset, validation.dataset, options.seed);
  const compared = { ours: candidate, champion: champion.scorer };
  const drawn = baselines.filter(({ isProbability }) => isProbability);
  tellEvidence(validation.dataset, compared, drawn, options.onEvidence);
  const { name } = plugin.primaryMetric;
  const baseRate = positiveRate(train.dataset.labels);
  const iso = (time: number): string => new Date(time).toISOString();
  const card = await registry.publish(
    {
      plugin: plugin.name,
      trainedAt: iso(options.trainedAt),
      dataRange: { from: iso(times[0]), cut: iso(cutMs), to: iso(times[times.length - 1]) },
      rows: {
        train: train.dataset.rows,
        validation: validation.dataset.rows,
        unknownLabel: train.unknown + validation.unknown,
      },
      features: plugin.orderFeatures,
      evaluation: plugin.evaluate(candidate, validation.dataset, baseRate),
      baselines: figuresOf(baselines, validation.dataset, baseRate),
      incumbent: {
        version: champion.scorer.modelVersion,
        metric: plugin.evaluate(champion.scorer, validation.dataset, baseRate).metrics[name].model,
        advantageMin: scorerAdvantage(plugin.primaryMetric, compared, validation.dataset, options.seed),
      },
      reference: modelReference(candidate, { train: train.dataset, validation: validation.dataset }),
      scoreMicros: scoreMicros(candidate, validation.dataset, options.stopwatch),
      seed: options.seed,
      codeRevision: options.codeRevision,
    },
    weights,
  );
  const promoted = await giveAlias(plugin, card, options);
  return { version: card.version, card, promoted };
}

/** Of scores that are no probabilities, what their order says. */
function figuresOf(
  baselines: readonly OrderBaseline[],
  { labels }: Dataset,
  baseRate: number,
): NonNullable<ModelCard["baselines"]> {
  return Object.fromEntries(
    baselines.map(({ name, scores, isProbability }) => {
      const { metrics } = classifierReport({ scores, labels }, baseRate);
      const told = Object.entries(metrics).filter(
        ([metric]) => isProbability || metric === "auc" || metric === "averagePrecision",
      );
      return [name, Object.fromEntries(told.map(([metric, { model }]) => [metric, model]))];
    }),
  );
}

function knownBy(verdicts: ReadonlyMap<string, OrderVerdict>, timeMs: number): Map<string, OrderVerdict> {
  return new Map([...verdicts].filter(([, { knownMs }]) => knownMs <= timeMs));
}

function newestTime(times: Float64Array, verdicts: ReadonlyMap<string, OrderVerdict>): number {
  let newest = times[times.length - 1];
  for (const { knownMs } of verdicts.values()) newest = Math.max(newest, knownMs);
  return newest;
}

function requireBothLabels(dataset: Dataset, side: "before" | "behind"): void {
  const frauds = dataset.labels.reduce((total, label) => total + label, 0);
  if (frauds > 0 && frauds < dataset.rows) return;
  throw new MillraceError(
    `too little to train on: of ${dataset.rows} orders ${side} the validation cut whose label is known ${frauds} are fraud; let more labels come in`,
    { code: "dataset-unusable", origin: "user" },
  );
}
