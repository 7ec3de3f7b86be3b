import {
  type AliasChange,
  isServed,
  type ModelAliases,
  type ModelCard,
  type ModelRegistry,
  mlPlugins,
} from "../../../ml/index.ts";
import { goldModelHealth, tableName, unknownName } from "../../../schema/index.ts";
import type { LakeReader } from "../common/lake-reader.ts";
import { long, number, optionalText, type Row, text, time } from "../common/row.ts";
import { Conditions } from "../common/sql.ts";
import type {
  ModelChange,
  ModelHealthArgs,
  ModelHealthReport,
  ModelHealthWindow,
  ModelVersion,
  PluginModels,
} from "./type.ts";

/** Versions and changes that one answer holds. */
const NEWEST_MAX = 100;
const WINDOWS_MAX = 1_000;
/** Those that have models. */
const PLUGINS = mlPlugins.filter(isServed).map(({ name }) => name);
const NO_ALIASES: ModelAliases = { champion: null, challenger: null };

export class ModelsService {
  private readonly lake: LakeReader;
  private readonly registry: ModelRegistry;

  constructor(lake: LakeReader, registry: ModelRegistry) {
    this.lake = lake;
    this.registry = registry;
  }

  /** No versions of a plugin whose built-in model is the only one. */
  async models(plugin: string): Promise<PluginModels> {
    requirePlugin(plugin);
    const [versions, changes] = await Promise.all([
      this.registry.versions(plugin),
      this.registry.aliasLog(plugin).readableChanges(),
    ]);
    const aliases = changes.at(-1)?.aliases ?? NO_ALIASES;
    const newest = versions.slice(-NEWEST_MAX).reverse();
    // Damaged ones are left out; `millrace models list` names them.
    const { cards } = await this.registry.cards(plugin, newest);
    return {
      plugin,
      ...aliases,
      versions: cards.map((card) => toVersion(card, aliases)),
      changes: changes.slice(-NEWEST_MAX).reverse().map(toChange),
    };
  }

  /** Sums over the tasks; means are weighted by what each task counted. */
  async health({ plugin, from, to, asOf }: ModelHealthArgs): Promise<ModelHealthReport> {
    requirePlugin(plugin);
    const conditions = new Conditions().compare("plugin", "=", plugin).within("window_start", from, to);
    const pinned = await this.lake.pin(goldModelHealth, asOf);
    const weighted = (column: string, weight: string): string =>
      `sum(${column} * ${weight}) / nullif(sum(case when ${column} is null then 0 else ${weight} end), 0) as ${column}`;
    const total = (column: string): string => `cast(sum(${column}) as bigint) as ${column}`;
    const sql =
      `select model_version, window_start, max(window_end) as window_end, ${total("scores")}, ` +
      `${weighted("score_mean", "scores")}, ${weighted("score_stability", "scores")}, ` +
      `max_by(feature_stability, scores) as feature_stability, ${total("labels")}, ${total("positives")}, ` +
      `${total("true_positives")}, ${total("false_positives")}, ${weighted("calibration_error", "labels")}, ` +
      "max(challenger_version) as challenger_version, " +
      `${weighted("champion_micros", "scores")}, ${weighted("challenger_micros", "scores")} ` +
      `from {${tableName(goldModelHealth)}}${conditions.toSql()} group by 1, 2 order by 2 desc, 1 limit ${WINDOWS_MAX}`;
    const rows = await this.lake.rows(pinned, sql, conditions);
    return { windows: rows.map(toWindow), freshness: pinned.freshness };
  }
}

/** The name becomes a part of object keys. */
function requirePlugin(name: string): void {
  if (!PLUGINS.includes(name)) throw unknownName("plugin", name, PLUGINS);
}

function toVersion(card: ModelCard, { champion, challenger }: ModelAliases): ModelVersion {
  const { version, trainedAt, rows, evaluation, scoreMicros } = card;
  return {
    version,
    alias: version === champion ? "champion" : version === challenger ? "challenger" : null,
    trainedAt: Date.parse(trainedAt),
    trainRows: rows.train,
    figures: Object.entries(evaluation.metrics).map(([name, figure]) => ({ name, ...figure })),
    scoreMicros: scoreMicros ?? null,
  };
}

function toChange({ at, ...change }: AliasChange): ModelChange {
  return { ...change, at: Date.parse(at) };
}

function toWindow(row: Row): ModelHealthWindow {
  const truePositives = number(row, "true_positives");
  const called = truePositives + number(row, "false_positives");
  const positives = number(row, "positives");
  const stability = JSON.parse(text(row, "feature_stability")) as Record<string, number>;
  return {
    modelVersion: text(row, "model_version"),
    windowStart: time(row, "window_start"),
    windowEnd: time(row, "window_end"),
    scores: long(row, "scores"),
    scoreMean: optionalNumber(row, "score_mean"),
    scoreStability: optionalNumber(row, "score_stability"),
    featureStability: Object.entries(stability).map(([feature, index]) => ({ feature, index })),
    labels: long(row, "labels"),
    positives,
    precision: called === 0 ? null : truePositives / called,
    recall: positives === 0 ? null : truePositives / positives,
    calibrationError: optionalNumber(row, "calibration_error"),
    challengerVersion: optionalText(row, "challenger_version"),
    championMicros: optionalNumber(row, "champion_micros"),
    challengerMicros: optionalNumber(row, "challenger_micros"),
  };
}

function optionalNumber(row: Row, column: string): number | null {
  return row[column] === null || row[column] === undefined ? null : number(row, column);
}
