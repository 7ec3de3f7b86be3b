import type { NeighbourOptions } from "./session-neighbours.ts";
import type { TransitionOptions } from "./transitions.ts";

/** How candidates are found and put in a first order. */
export interface BlendOptions {
  /** Items of the prefix looked at, from its end. */
  readonly lastItems: number;
  /** The `k`-th item from the end of the prefix counts this to the power of k. */
  readonly positionDecay: number;
  /** What a pair seen in the other direction counts. */
  readonly backwardWeight: number;
  /** Added to the weighted events of an item before they divide its pairs. */
  readonly shrinkage: number;
  /** Pairs are divided by the target's weighted events to this power: more shows less of what sells anyway. */
  readonly popularityPower: number;
  /** Weight of the votes of similar sessions. */
  readonly votesWeight: number;
  /** What is added for an item of the prefix that was seen `k` events before its end: weight · decay^k. */
  readonly revisitWeight: number;
  readonly revisitDecay: number;
  readonly candidatesMax: number;
  /** Best candidates that second steps go on from, and how many those may add to the list. */
  readonly hubs: number;
  readonly secondMax: number;
}

/** How the second stage, the trees that put the candidates in their last order, is trained. */
export interface RankingOptions {
  /** Share of the sessions, the newest, that the trees learn from; the candidates come from those before. */
  readonly tailShare: number;
  /** Prefixes that the trees learn from; of more, the newest. */
  readonly casesMax: number;
  /** Candidates of a case that are always learned from, the first ones, and about how many of the rest. */
  readonly firstCandidates: number;
  readonly sampledCandidates: number;
  /** Power of the first stage's score that the trees correct. */
  readonly blendPower: number;
  /** Most trees; fewer where the loss of the newest `watchedShare` of the cases falls no more for `patience` trees. */
  readonly trees: number;
  readonly watchedShare: number;
  readonly patience: number;
  readonly leavesMax: number;
  readonly learningRate: number;
  readonly l2: number;
  readonly minChildWeight: number;
  /** Share of the cases that each tree sees. */
  readonly caseShare: number;
}

export interface RecommendOptions {
  /** Sessions' weights fall to 1/e within this share of the log. */
  readonly recency: number;
  readonly transitions: TransitionOptions;
  readonly neighbours: NeighbourOptions;
  readonly blend: BlendOptions;
  /** Null: the first order is the last. */
  readonly ranking: RankingOptions | null;
}

/** Tuned on the last tenth of the training sessions of RetailRocket and Yoochoose 1/64 alike. */
export const DEFAULT_OPTIONS: RecommendOptions = {
  recency: 0.7,
  transitions: { reach: 15, decay: 0.6, neighboursMax: 300 },
  neighbours: {
    sessionsMax: 500,
    neighboursMax: 200,
    lastItems: 10,
    positionDecay: 0.7,
    distanceDecay: 0.7,
    beforeWeight: 0.5,
    recency: 0.5,
  },
  blend: {
    lastItems: 10,
    positionDecay: 0.6,
    backwardWeight: 0.4,
    shrinkage: 1,
    popularityPower: 0.1,
    votesWeight: 0.5,
    revisitWeight: 0.05,
    revisitDecay: 0.7,
    candidatesMax: 100,
    hubs: 10,
    secondMax: 50,
  },
  ranking: {
    tailShare: 0.1,
    casesMax: 40_000,
    firstCandidates: 12,
    sampledCandidates: 20,
    blendPower: 0.5,
    trees: 150,
    watchedShare: 0.1,
    patience: 20,
    leavesMax: 24,
    learningRate: 0.12,
    l2: 10,
    minChildWeight: 20,
    caseShare: 0.25,
  },
};
