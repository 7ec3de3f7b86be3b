import type { RankingMode } from "./candidates.ts";
import type { RankingCases } from "./session-log.ts";

/** Positions that count. */
export const SHOWN = 20;

/** Shows up to {@link SHOWN} items, best first, after a prefix (negative: unknown items). */
export type Ranker = (prefix: Int32Array, mode: RankingMode) => Int32Array;

export interface RankingFigures {
  readonly cases: number;
  /** Share of the cases whose target is among the first 20. */
  readonly hitRate20: number;
  /** Mean of 1 / the target's position, 0 past the first 20. */
  readonly mrr20: number;
  /** The same of the cases alone whose target the training knows. */
  readonly ofKnown: { readonly cases: number; readonly hitRate20: number; readonly mrr20: number };
  /** Share of the cases whose target is among the first 1, 2, … 20. */
  readonly hitRateAt: readonly number[];
  /** Share of all known items that are shown at least once. */
  readonly coverage: number;
  /** Mean place by popularity of what is shown, and of the targets: 1 is the most popular item. */
  readonly popularityRankShown: number;
  readonly popularityRankTargets: number;
}

/** The two tables of one ranker. */
export interface RankingTables {
  /** Every case. */
  readonly all: RankingFigures;
  /** Cases whose target is not in the prefix; items of the prefix are not shown. */
  readonly discovery: RankingFigures;
}

/** What became of one case in one table. */
export interface RankedAnswer {
  readonly table: keyof RankingTables;
  /** 1 / the target's position, 0 past the first 20. */
  readonly reciprocal: number;
}

/**
 * Measures a ranker on every case. A target that the training does not know is a miss; so is
 * anything where fewer items are shown.
 */
export function measureRanker(
  ranker: Ranker,
  cases: RankingCases,
  byPopularity: Int32Array,
  onAnswer?: (answer: RankedAnswer) => void,
): RankingTables {
  const ranks = popularityRanks(byPopularity);
  const tables = { all: new Tally(ranks), discovery: new Tally(ranks) };
  for (let c = 0; c < cases.targets.length; c++) {
    const prefix = cases.items.subarray(cases.from[c], cases.to[c]);
    const target = cases.targets[c];
    for (const table of ["all", "discovery"] as const) {
      if (table === "discovery" && prefix.includes(target)) continue;
      const reciprocal = tables[table].add(ranker(prefix, table), target);
      onAnswer?.({ table, reciprocal });
    }
  }
  return { all: tables.all.figures(), discovery: tables.discovery.figures() };
}

function popularityRanks(byPopularity: Int32Array): Int32Array {
  const ranks = new Int32Array(byPopularity.length);
  for (let at = 0; at < byPopularity.length; at++) ranks[byPopularity[at]] = at + 1;
  return ranks;
}

class Tally {
  readonly #ranks: Int32Array;
  readonly #isShown: Uint8Array;
  #cases = 0;
  readonly #hitsAt = new Int32Array(SHOWN);
  #reciprocal = 0;
  #shown = 0;
  #shownRanks = 0;
  #knownTargets = 0;
  #targetRanks = 0;

  constructor(ranks: Int32Array) {
    this.#ranks = ranks;
    this.#isShown = new Uint8Array(ranks.length);
  }

  /** Returns 1 / the target's position, 0 for a miss. */
  add(shown: Int32Array, target: number): number {
    this.#cases++;
    const top = shown.subarray(0, SHOWN);
    for (const item of top) {
      this.#isShown[item] = 1;
      this.#shownRanks += this.#ranks[item];
    }
    this.#shown += top.length;
    if (target < 0) return 0;
    this.#knownTargets++;
    this.#targetRanks += this.#ranks[target];
    const at = top.indexOf(target);
    if (at < 0) return 0;
    this.#hitsAt[at]++;
    this.#reciprocal += 1 / (at + 1);
    return 1 / (at + 1);
  }

  figures(): RankingFigures {
    const mean = (total: number, count: number): number => (count === 0 ? 0 : total / count);
    let hits = 0;
    const hitRateAt = Array.from(this.#hitsAt, (here) => {
      hits += here;
      return mean(hits, this.#cases);
    });
    return {
      cases: this.#cases,
      hitRate20: mean(hits, this.#cases),
      mrr20: mean(this.#reciprocal, this.#cases),
      ofKnown: {
        cases: this.#knownTargets,
        hitRate20: mean(hits, this.#knownTargets),
        mrr20: mean(this.#reciprocal, this.#knownTargets),
      },
      hitRateAt,
      coverage: mean(
        this.#isShown.reduce((total, isShown) => total + isShown, 0),
        this.#isShown.length,
      ),
      popularityRankShown: mean(this.#shownRanks, this.#shown),
      popularityRankTargets: mean(this.#targetRanks, this.#knownTargets),
    };
  }
}
