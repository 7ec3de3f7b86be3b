import { gatherStatistics, type ItemStatistics } from "./item-statistics.ts";
import { findOccurrences } from "./occurrences.ts";
import type { RecommendOptions } from "./recommend-options.ts";
import type { SessionLog } from "./session-log.ts";
import { SessionNeighbours } from "./session-neighbours.ts";
import { countTransitions, recencyWeights, type Transitions } from "./transitions.ts";

/** Category of an item by its number; items without one are absent. */
export type ItemCategories = ReadonlyMap<number, number>;

/** What the first stage looks things up in. */
export interface RecommenderBase {
  readonly log: SessionLog;
  readonly options: RecommendOptions;
  readonly transitions: Transitions;
  readonly statistics: ItemStatistics;
  readonly neighbours: SessionNeighbours;
  readonly categories: ItemCategories;
  /** Items to fill up from, popular ones first: those of the category, then all. */
  popular(category: number): readonly Int32Array[];
}

/** Everything but the transitions is linear in the log; they may come from a stored model. */
export function createBase(
  log: SessionLog,
  options: RecommendOptions,
  categories: ItemCategories = new Map(),
  stored?: Transitions,
): RecommenderBase {
  const occurrences = findOccurrences(log);
  const weights = recencyWeights(log, options.recency);
  const transitions = stored ?? countTransitions(log, occurrences, weights, options.transitions);
  const statistics = gatherStatistics(log, transitions, weights);
  const inCategory = new Map<number, Int32Array>();
  for (const category of new Set(categories.values())) {
    inCategory.set(
      category,
      statistics.byPopularity.filter((item) => categories.get(log.itemNumbers[item]) === category),
    );
  }
  return {
    log,
    options,
    transitions,
    statistics,
    neighbours: new SessionNeighbours(log, occurrences, options.neighbours),
    categories,
    popular: (category) => [inCategory.get(category) ?? new Int32Array(0), statistics.byPopularity],
  };
}
