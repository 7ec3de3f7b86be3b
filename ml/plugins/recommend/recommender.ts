import { MillraceError } from "../../../schema/index.ts";
import { type Forest, forestLogOdds } from "../../training/trees/forest.ts";
import { CANDIDATE_FEATURES } from "./candidate-features.ts";
import { type BlendParts, Candidates, type RankingMode } from "./candidates.ts";
import { fitRanking } from "./fit-ranking.ts";
import { marginOf, rankingLists } from "./ranking-lists.ts";
import { DEFAULT_OPTIONS, type RecommendOptions } from "./recommend-options.ts";
import { createBase, type ItemCategories, type RecommenderBase } from "./recommender-base.ts";
import { earlierSessions, itemPositions, type SessionLog, sessionCount } from "./session-log.ts";
import { TopList } from "./top-list.ts";

export interface RecommenderTraining {
  readonly seed: number;
  readonly options?: RecommendOptions;
  readonly categories?: ItemCategories;
  readonly onProgress?: (message: string) => void;
}

export interface RecommendRequest {
  /** How many items; at most the options' `candidatesMax`. */
  readonly count: number;
  readonly mode: RankingMode;
  /** By item number: in stock, not bought, in an allowed set. */
  readonly filter?: (itemNumber: number) => boolean;
}

const WIDTH = CANDIDATE_FEATURES.length;

/** Fewer sessions teach no order of candidates: the first stage's is kept. */
const RANKING_SESSIONS_MIN = 1000;

/**
 * Recommends the next item of a session: candidates by order-aware co-occurrence, votes of similar
 * sessions and returns, put in order by boosted trees. Serves one answer at a time.
 */
export class Recommender {
  readonly base: RecommenderBase;
  readonly forest: Forest | null;
  readonly #candidates: Candidates;
  readonly #positions: Map<number, number>;
  readonly #top: TopList;
  readonly #chosen: Int32Array;
  #prefix = new Int32Array(64);

  constructor(base: RecommenderBase, forest: Forest | null) {
    this.base = base;
    this.forest = forest;
    this.#candidates = new Candidates(base);
    this.#positions = itemPositions(base.log.itemNumbers);
    const { items } = this.#candidates;
    this.#top = new TopList(items.length);
    this.#chosen = new Int32Array(items.length);
  }

  /**
   * Numbers of the items to show, best first, to a visitor whose session so far is `session` (item
   * numbers, oldest first). Items never seen count for their category alone.
   */
  recommend(session: readonly number[], request: RecommendRequest): number[] {
    const { itemNumbers } = this.base.log;
    const positions = Int32Array.from(session, (number) => this.#positions.get(number) ?? -1);
    const category = session.findLast((number) => this.base.categories.has(number));
    const { filter } = request;
    const shown = this.rank(positions, {
      count: request.count,
      mode: request.mode,
      category: category === undefined ? -1 : (this.base.categories.get(category) ?? -1),
      allows: filter === undefined ? null : (item) => filter(itemNumbers[item]),
    });
    return Array.from(shown, (item) => itemNumbers[item]);
  }

  /** The same by positions of items, negative for unknown ones. The result holds until the next call. */
  rank(
    session: Int32Array,
    request: {
      readonly count: number;
      readonly mode: RankingMode;
      readonly category?: number;
      readonly allows?: ((item: number) => boolean) | null;
    },
  ): Int32Array {
    const { candidatesMax } = this.base.options.blend;
    if (!(request.count >= 1 && request.count <= candidatesMax)) {
      throw new MillraceError(`cannot recommend ${request.count} items: ask for 1 to ${candidatesMax}`, {
        code: "invalid-count",
        origin: "user",
      });
    }
    const candidates = this.#candidates;
    const found = candidates.collect(this.#prefix, this.#keepKnown(session), {
      mode: request.mode,
      fillTo: request.count,
      category: request.category ?? -1,
      allows: request.allows ?? null,
    });
    if (this.forest === null) return candidates.items.subarray(0, Math.min(found, request.count));
    const blendPower = this.base.options.ranking?.blendPower ?? 0;
    for (let rank = 0; rank < found; rank++) {
      const margin = marginOf(candidates.vectors, rank * WIDTH, blendPower);
      this.#top.offer(
        candidates.items[rank],
        margin + forestLogOdds(this.forest, candidates.vectors, rank * WIDTH),
      );
    }
    return this.#chosen.subarray(0, Math.min(this.#top.drain(this.#chosen), request.count));
  }

  /** What the first stage's score of an item of the last answer is made of, by position. */
  partsOf(item: number): BlendParts {
    return this.#candidates.parts(this.#candidates.items.indexOf(item));
  }

  /** Numbers of the items most often seen with an item, best first; none for an unknown item. */
  similarItems(itemNumber: number, count: number): number[] {
    const item = this.#positions.get(itemNumber);
    if (item === undefined) return [];
    const { transitions, statistics, options, log } = this.base;
    const { backwardWeight, shrinkage, popularityPower } = options.blend;
    const top = new TopList(count);
    for (let k = transitions.starts[item]; k < transitions.starts[item + 1]; k++) {
      const target = transitions.targets[k];
      if (target === item) continue;
      const pairs = transitions.forward[k] + backwardWeight * transitions.backward[k];
      top.offer(target, pairs * (statistics.weighted[target] + shrinkage) ** -popularityPower);
    }
    const best = new Int32Array(count);
    return Array.from(best.subarray(0, top.drain(best)), (target) => log.itemNumbers[target]);
  }

  #keepKnown(session: Int32Array): number {
    if (session.length > this.#prefix.length) this.#prefix = new Int32Array(2 * session.length);
    let known = 0;
    for (const item of session) if (item >= 0) this.#prefix[known++] = item;
    return known;
  }
}

/** Builds the first stage from the whole log; the trees learn from its newest part, apart from it. */
export function trainRecommender(log: SessionLog, training: RecommenderTraining): Recommender {
  const { seed, onProgress, categories } = training;
  const options = training.options ?? DEFAULT_OPTIONS;
  if (log.items.length === 0) {
    throw new MillraceError("cannot train a recommender: there is no event in its sessions", {
      code: "dataset-unusable",
      origin: "user",
    });
  }
  onProgress?.(`counting transitions in ${sessionCount(log)} sessions`);
  const base = createBase(log, options, categories);
  if (options.ranking === null || sessionCount(log) < RANKING_SESSIONS_MIN)
    return new Recommender(base, null);
  const cut = Math.floor(sessionCount(log) * (1 - options.ranking.tailShare));
  const earlier = createBase(earlierSessions(log, cut), options);
  const lists = rankingLists(earlier, log, cut, options.ranking, seed);
  onProgress?.(`ordering ${lists.chosen.length} lists of candidates`);
  return new Recommender(base, fitRanking(lists, options.ranking, seed, onProgress));
}
