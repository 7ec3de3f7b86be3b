import { type EventBatch, MillraceError } from "../../schema/index.ts";
import { modelReference } from "../monitoring/reference.ts";
import type { Dataset, EvaluationReport, Scorer, SessionScorerPlugin } from "../plugin.ts";
import { loadChampion } from "../registry/load-champion.ts";
import type { ModelCard } from "../registry/model-card.ts";
import type { ModelRegistry } from "../registry/model-registry.ts";
import type { Evidence } from "../report/evidence.ts";
import { type BuiltDataset, buildDataset } from "./dataset.ts";
import { giveAlias } from "./give-alias.ts";
import { positiveRate } from "./metrics.ts";
import { scoreMicros } from "./score-micros.ts";
import { scorerAdvantage } from "./scorer-advantage.ts";
import { tellEvidence } from "./scorer-evidence.ts";
import { splitByTime } from "./split.ts";

export interface TrainPluginOptions {
  /** In log order per partition, as `readBronze` gives them. */
  readonly events: AsyncIterable<EventBatch>;
  readonly registry: ModelRegistry;
  readonly seed: number;
  /** When, ms; becomes part of the version. */
  readonly trainedAt: number;
  readonly codeRevision: string;
  /** Share of the rows that lie before the cut; 0.8. */
  readonly trainShare?: number;
  readonly rowsMax?: number;
  /** Who trains, for the audit of the aliases. */
  readonly by: string;
  /** Milliseconds from any origin, with fractions: for the time of a score. */
  readonly stopwatch: () => number;
  /** `if-better` (default): champion where the gate lets it pass, else challenger. */
  readonly promote?: "if-better" | "always" | "never";
  readonly onProgress?: (message: string) => void;
  /** Takes what the plots of a report are drawn from. */
  readonly onEvidence?: (evidence: Evidence) => void;
}

export interface TrainedModel {
  readonly version: string;
  readonly card: ModelCard;
  readonly promoted: boolean;
}

/**
 * Replays the events, fits, evaluates on later sessions, publishes the version and gives it an alias.
 * Rejects with code `dataset-unusable`, and publishes nothing, where the data cannot carry a model.
 */
export async function trainPlugin(
  plugin: SessionScorerPlugin,
  options: TrainPluginOptions,
): Promise<TrainedModel> {
  const built = await buildDataset(plugin, options.events, { ...options, openSessions: "auto" });
  requireKnownLabels(built, plugin.labels.gapMs);
  const { dataset } = built;
  const split = splitByTime(dataset, {
    trainShare: options.trainShare ?? 0.8,
    embargoMs: plugin.labels.gapMs,
  });
  if (split.straddling === "in-training") {
    options.onProgress?.("the input is short: sessions that straddle the cut are used for training");
  }
  requireBothLabels(split.train, "before");
  requireBothLabels(split.validation, "after");
  const weights = await plugin.train(split.train, options);
  const candidate = plugin.load(weights, "candidate");
  const measure = (scorer: Scorer): EvaluationReport =>
    plugin.evaluate(scorer, split.validation, positiveRate(split.train.labels));
  const evaluation = measure(candidate);
  const champion = await loadChampion(options.registry, plugin);
  const compared = { ours: candidate, champion: champion.scorer };
  tellEvidence(split.validation, compared, [], options.onEvidence);
  const { name } = plugin.primaryMetric;
  const card = await options.registry.publish(
    {
      plugin: plugin.name,
      trainedAt: new Date(options.trainedAt).toISOString(),
      dataRange: dataRange(dataset, split.cutMs),
      rows: {
        train: split.train.rows,
        validation: split.validation.rows,
        unknownLabel: built.rowsUnknown,
      },
      openSessions: built.openSessions,
      straddling: split.straddling,
      features: dataset.featureNames,
      evaluation,
      incumbent: {
        version: champion.scorer.modelVersion,
        metric: measure(champion.scorer).metrics[name].model,
        advantageMin: scorerAdvantage(plugin.primaryMetric, compared, split.validation, options.seed),
      },
      reference: modelReference(candidate, split),
      scoreMicros: scoreMicros(candidate, split.validation, options.stopwatch),
      seed: options.seed,
      codeRevision: options.codeRevision,
    },
    weights,
  );
  const promoted = await giveAlias(plugin, card, options);
  return { version: card.version, card, promoted };
}

function dataRange(dataset: BuiltDataset["dataset"], cutMs: number): ModelCard["dataRange"] {
  const from = dataset.times.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const to = dataset.times.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const iso = (time: number): string => new Date(time).toISOString();
  return { from: iso(from), cut: iso(cutMs), to: iso(to) };
}

/** A model of assumed labels alone would learn, and be measured on, how the input was cut off. */
function requireKnownLabels({ dataset, rowsUnknown }: BuiltDataset, gapMs: number): void {
  if (rowsUnknown === 0 || rowsUnknown < dataset.rows) return;
  throw new MillraceError(
    `no label is known: all ${rowsUnknown} vectors are of sessions still open at the end of the events, and a session ends ${gapMs / 60_000} minutes after its last event; train on a longer history, or with a plugin whose session gap is shorter`,
    { code: "dataset-unusable", origin: "user" },
  );
}

function requireBothLabels(dataset: Dataset, side: "before" | "after"): void {
  const positives = dataset.labels.reduce((total, label) => total + label, 0);
  if (positives > 0 && positives < dataset.rows) return;
  throw new MillraceError(
    `too little to train on: of ${dataset.rows} vectors ${side} the validation cut ${positives} are followed by the outcome; let more finished sessions come in, with and without it`,
    { code: "dataset-unusable", origin: "user" },
  );
}
