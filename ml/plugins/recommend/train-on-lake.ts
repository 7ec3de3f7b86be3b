import { MillraceError } from "../../../schema/index.ts";
import { LOOKS_MAX } from "../../features/session-looks.ts";
import { ListReference } from "../../monitoring/list-figures.ts";
import type { ModelReference } from "../../monitoring/reference.ts";
import type { EvaluationReport } from "../../plugin.ts";
import type { RecommenderPlugin, VisitRecommender } from "../../recommender.ts";
import { loadChampion } from "../../registry/load-champion.ts";
import { giveAlias } from "../../training/give-alias.ts";
import { advantageMin } from "../../training/paired-bootstrap.ts";
import type { TrainedModel, TrainPluginOptions } from "../../training/train-plugin.ts";
import { weightedMean } from "../../training/weighted-figures.ts";
import { itemKnnBaseline } from "./baselines.ts";
import { CANDIDATE_FEATURES } from "./candidate-features.ts";
import { encodeProductRecommender } from "./product-model-file.ts";
import { ProductRecommender } from "./product-recommender.ts";
import {
  measureRanker,
  type RankedAnswer,
  type Ranker,
  type RankingTables,
  SHOWN,
} from "./ranking-protocol.ts";
import { trainRecommender } from "./recommender.ts";
import type { RankingCases, SessionLog } from "./session-log.ts";
import { collectVisits, type VisitLog } from "./visit-log.ts";

/** Share of the visits, the newest, that are the validation. */
const VALIDATION_SHARE = 0.1;
/** Cases of the validation; of more, every n-th. */
const CASES_MAX = 10_000;
const VISITS_MIN = 100;
/** Of these, those whose lists drift is held against. */
const REFERENCE_CASES_MAX = 2_000;
/** Products of the lists in the stream, as they are by default. */
const REFERENCE_LIST = 10;
const CASES_MIN = 30;

/**
 * Cuts the lake's events into visits, fits on all but the newest tenth, measures on that beside plain
 * item-kNN and the present champion, publishes and gives an alias. What is published is what was
 * measured: the newest visits reach it with the next training, and the stream's own counts before.
 * Rejects with code `dataset-unusable`, and publishes nothing, where there are too few visits.
 */
export async function trainOnLake(
  plugin: RecommenderPlugin,
  options: TrainPluginOptions,
): Promise<TrainedModel> {
  const { seed, onProgress, registry, stopwatch } = options;
  const visits = await collectVisits(options.events, onProgress);
  const split = splitVisits(visits);
  onProgress?.(`${split.log.starts.length - 1} visits to learn from, ${split.cases.targets.length} cases`);
  const recommender = trainRecommender(split.log, {
    seed,
    categories: split.categories,
    ...(onProgress !== undefined && { onProgress }),
  });
  const model = new ProductRecommender(recommender, split, "candidate");
  const times: number[] = [];
  const own = timed(rankerOf(model, split.productIds), stopwatch, times);
  const { byPopularity } = recommender.base.statistics;
  const ranks = { own: [] as number[], champion: [] as number[] };
  const tables = measureRanker(own, split.cases, byPopularity, reciprocalsInto(ranks.own));
  onProgress?.("measuring the baseline and the present champion");
  const baseline = measureRanker(itemKnnBaseline(split.log), split.cases, byPopularity);
  const champion = await loadChampion(registry, plugin);
  const incumbent = measureRanker(
    rankerOf(champion.scorer, split.productIds),
    split.cases,
    byPopularity,
    reciprocalsInto(ranks.champion),
  );
  for (const table of ["all", "discovery"] as const) {
    const rankers = Object.entries({ ours: tables, "item-kNN": baseline, champion: incumbent });
    options.onEvidence?.({
      kind: "hits",
      title: table === "all" ? "all targets" : "discovery",
      series: rankers.map(([name, measured]) => ({ name, shares: measured[table].hitRateAt })),
    });
  }
  const evaluation = reportOf(tables, baseline);
  const card = await registry.publish(
    {
      plugin: plugin.name,
      trainedAt: new Date(options.trainedAt).toISOString(),
      dataRange: dataRange(visits, split.cut),
      rows: {
        train: split.log.items.length,
        validation: split.cases.targets.length,
        unknownLabel: split.cases.targets.filter((target) => target < 0).length,
      },
      features: CANDIDATE_FEATURES,
      evaluation,
      incumbent: {
        version: champion.scorer.modelVersion,
        metric: figuresOf(incumbent)[plugin.primaryMetric.name],
        // The metric is the mean of these; looks of one visit are alike.
        advantageMin: advantageMin({
          own: weightedMean(Float64Array.from(ranks.own)),
          other: weightedMean(Float64Array.from(ranks.champion)),
          better: plugin.primaryMetric.better,
          groups: split.cases.from,
          seed,
        }),
      },
      reference: referenceOf(model, split.cases),
      scoreMicros: 1000 * medianOf(times),
      seed,
      codeRevision: options.codeRevision,
    },
    encodeProductRecommender(model),
  );
  const promoted = await giveAlias(plugin, card, options);
  return { version: card.version, card, promoted };
}

/** Gathers what the metric is the mean of. */
function reciprocalsInto(found: number[]): (answer: RankedAnswer) => void {
  return ({ table, reciprocal }) => {
    if (table === "all") found.push(reciprocal);
  };
}

interface VisitSplit {
  /** Visits before the cut, over the products that they name. */
  readonly log: SessionLog;
  readonly productIds: readonly string[];
  readonly categoryIds: readonly string[];
  readonly categories: ReadonlyMap<number, number>;
  /** Prefixes of the visits behind the cut; products that those before do not name are negative. */
  readonly cases: RankingCases;
  readonly cut: number;
}

/** Exported for tests. */
export function splitVisits(visits: VisitLog): VisitSplit {
  const { log, productIds } = visits;
  const count = log.starts.length - 1;
  const cut = Math.floor(count * (1 - VALIDATION_SHARE));
  const items = log.items.subarray(0, log.starts[cut]);
  const numbers = new Int32Array(productIds.length).fill(-1);
  for (const item of items) numbers[item] = 0;
  let known = 0;
  numbers.forEach((number, item) => {
    // Negative numbers differ, so that an unknown target is no repeat of an unknown product.
    numbers[item] = number < 0 ? -1 - item : known++;
  });
  const cases = casesBehind(log, cut, numbers);
  if (cut < VISITS_MIN || cases.targets.length < CASES_MIN) {
    throw new MillraceError(
      `too little to train on: ${cut} visits before the validation cut and ${cases.targets.length} looks that follow another behind it; ${VISITS_MIN} and ${CASES_MIN} are needed`,
      { code: "dataset-unusable", origin: "user" },
    );
  }
  return {
    log: {
      itemNumbers: Float64Array.from({ length: known }, (_, item) => item),
      items: items.map((item) => numbers[item]),
      starts: log.starts.subarray(0, cut + 1),
    },
    productIds: productIds.filter((_, item) => numbers[item] >= 0),
    categoryIds: visits.categoryIds,
    categories: new Map(
      [...visits.categories].flatMap(([item, category]) =>
        numbers[item] < 0 ? [] : [[numbers[item], category] as const],
      ),
    ),
    cases,
    cut,
  };
}

function casesBehind(log: SessionLog, cut: number, numbers: Int32Array): RankingCases {
  const from: number[] = [];
  const to: number[] = [];
  for (let visit = cut; visit + 1 < log.starts.length; visit++) {
    for (let end = log.starts[visit] + 1; end < log.starts[visit + 1]; end++) {
      from.push(log.starts[visit]);
      to.push(end);
    }
  }
  const every = Math.ceil(to.length / CASES_MAX);
  const taken = (_: unknown, k: number): boolean => k % every === 0;
  const items = log.items.map((item) => numbers[item]);
  const ends = to.filter(taken);
  return {
    items,
    from: Int32Array.from(from.filter(taken)),
    to: Int32Array.from(ends),
    targets: Int32Array.from(ends, (end) => items[end]),
  };
}

/** Any model as a ranker over the given products. */
function rankerOf(model: VisitRecommender, productIds: readonly string[]): Ranker {
  const positions = new Map(model.productIds.map((id, position) => [id, position]));
  const toModel = Int32Array.from(productIds, (id) => positions.get(id) ?? -1);
  const fromModel = new Int32Array(model.productIds.length).fill(-1);
  toModel.forEach((position, product) => {
    if (position >= 0) fromModel[position] = product;
  });
  return (prefix, mode) => {
    const visit = prefix.map((product) => (product < 0 ? -1 : toModel[product]));
    const allows = (position: number): boolean =>
      fromModel[position] >= 0 && (mode === "all" || !visit.includes(position));
    const list = model.recommend({ visit, length: visit.length, count: SHOWN, category: -1, allows });
    return list.products.slice(0, list.count).map((position) => fromModel[position]);
  };
}

/** Lists of the validation, made as the stream makes them: from the newest looks, without what is looked at. */
function referenceOf(model: VisitRecommender, cases: RankingCases): ModelReference {
  const reference = new ListReference();
  const every = Math.ceil(cases.targets.length / REFERENCE_CASES_MAX);
  for (let c = 0; c < cases.targets.length; c += every) {
    const visit = cases.items.subarray(Math.max(cases.from[c], cases.to[c] - LOOKS_MAX + 1), cases.to[c]);
    const newest = visit[visit.length - 1];
    if (newest === cases.targets[c]) continue;
    const known = visit.filter((product) => product >= 0).length;
    const list =
      known === 0
        ? null
        : model.recommend({
            visit,
            length: visit.length,
            count: REFERENCE_LIST,
            category: -1,
            allows: (product) => product !== newest,
          });
    reference.add(list, { length: visit.length, known });
  }
  return reference.read();
}

function timed(ranker: Ranker, stopwatch: () => number, times: number[]): Ranker {
  return (prefix, mode) => {
    const started = stopwatch();
    const shown = ranker(prefix, mode);
    times.push(stopwatch() - started);
    return shown;
  };
}

function figuresOf({ all, discovery }: RankingTables): Readonly<Record<string, number>> {
  return {
    hitRate20: all.hitRate20,
    mrr20: all.mrr20,
    discoveryHitRate20: discovery.hitRate20,
    discoveryMrr20: discovery.mrr20,
    coverage: all.coverage,
    popularityRankShown: all.popularityRankShown,
  };
}

function reportOf(tables: RankingTables, baseline: RankingTables): EvaluationReport {
  const others = figuresOf(baseline);
  return {
    rows: tables.all.cases,
    positives: Math.round(tables.all.hitRate20 * tables.all.cases),
    metrics: Object.fromEntries(
      Object.entries(figuresOf(tables)).map(([name, model]) => [name, { model, baseline: others[name] }]),
    ),
    reliability: [],
  };
}

function dataRange({ startsMs }: VisitLog, cut: number): TrainedModel["card"]["dataRange"] {
  const iso = (ms: number): string => new Date(ms).toISOString();
  return { from: iso(startsMs[0]), cut: iso(startsMs[cut]), to: iso(startsMs[startsMs.length - 1]) };
}

function medianOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}
