import { BLEND_SHARE, CANDIDATE_FEATURES, Feature } from "./candidate-features.ts";
import type { RecommenderBase } from "./recommender-base.ts";
import { SecondSteps } from "./second-steps.ts";
import { TopList } from "./top-list.ts";

/** What may be shown: everything, or only what the session has not seen. */
export type RankingMode = "all" | "discovery";

export interface CandidateRequest {
  readonly mode: RankingMode;
  /** At least so many candidates, filled up by popularity; at most {@link BlendOptions.candidatesMax}. */
  readonly fillTo: number;
  /** Category to fill up from before all others, -1: none. */
  readonly category: number;
  /** By position of the item; null: every item. */
  readonly allows: ((item: number) => boolean) | null;
}

/** Parts of the first stage's score; all 0 for what filled the list up. */
export interface BlendParts {
  /** Seen after items of the prefix, and before them. */
  readonly after: number;
  readonly before: number;
  /** Votes of similar sessions. */
  readonly votes: number;
  /** A return to an item of the prefix. */
  readonly revisit: number;
}

const WIDTH = CANDIDATE_FEATURES.length;

/** Sums kept of each touched item while one prefix is looked at. */
const DIRECT = 0;
const FORWARD = 1;
const BACKWARD = 2;
const FORWARD_2 = 3;
const BACKWARD_2 = 4;
const FORWARD_ALL = 5;
const BACKWARD_ALL = 6;
const LINKS = 7;
const PAIR = 8;
const VOTES = 9;
const SUMS = 10;

/** Of a touched item that is on the list already. */
const LISTED = 2;

/**
 * The first stage: finds the candidates of a prefix and describes them. One object serves one answer
 * at a time; `items`, `blend` and `vectors` hold until the next call.
 */
export class Candidates {
  /** Best first. */
  readonly items: Int32Array;
  /** Score of the first stage. */
  readonly blend: Float64Array;
  /** Features of the candidates, row-major. */
  readonly vectors: Float64Array;
  readonly #base: RecommenderBase;
  readonly #sums: Float64Array;
  readonly #isTouched: Uint8Array;
  readonly #touched: Int32Array;
  #size = 0;
  /** Events since an item of the prefix was seen last, -1: not in it; and how often it was. */
  readonly #visitedAt: Int32Array;
  readonly #visits: Int32Array;
  readonly #top: TopList;
  readonly #second: SecondSteps;
  readonly #secondTop: TopList;
  readonly #divisors: Float64Array;
  readonly #damping: Float64Array;
  #votesTotal = 0;
  #voteWeight = 0;
  #votesMax = 0;
  #forwardMax = 0;
  #pairsMax = 0;
  #secondMax = 0;
  readonly #vote = (item: number, weight: number): void => {
    this.#sums[this.#touch(item) + VOTES] += weight;
    this.#votesTotal += weight;
  };

  constructor(base: RecommenderBase) {
    const count = base.log.itemNumbers.length;
    const { candidatesMax, secondMax, shrinkage, popularityPower } = base.options.blend;
    this.#base = base;
    this.items = new Int32Array(candidatesMax + secondMax);
    this.blend = new Float64Array(this.items.length);
    this.vectors = new Float64Array(this.items.length * WIDTH);
    this.#sums = new Float64Array(count * SUMS);
    this.#isTouched = new Uint8Array(count);
    this.#touched = new Int32Array(count);
    this.#visitedAt = new Int32Array(count).fill(-1);
    this.#visits = new Int32Array(count);
    this.#top = new TopList(candidatesMax);
    this.#divisors = base.statistics.weighted.map((weight) => 1 / (weight + shrinkage));
    this.#damping = base.statistics.weighted.map((weight) => (weight + shrinkage) ** -popularityPower);
    this.#second = new SecondSteps(base, this.#divisors, this.#damping);
    this.#secondTop = new TopList(secondMax);
  }

  /** Candidates of `prefix[0, length)`, all of them known items; returns how many there are. */
  collect(prefix: Int32Array, length: number, request: CandidateRequest): number {
    const distinct = this.#visit(prefix, length);
    this.#addTransitions(prefix, length);
    this.#votesTotal = 0;
    this.#base.neighbours.vote(prefix, length, this.#vote);
    this.#findMaxima();
    this.#offer(request);
    const found = this.#top.drain(this.items, this.blend);
    const count = this.#fill(this.#goOn(found, request), request);
    const last = length === 0 ? -1 : prefix[length - 1];
    for (let rank = 0; rank < count; rank++) this.#describe(rank, { length, distinct, last });
    this.#clear(prefix, length);
    return count;
  }

  /** What the score of a candidate of the last answer is made of; the parts add up to it. */
  parts(rank: number): BlendParts {
    const { backwardWeight, revisitWeight, revisitDecay } = this.#base.options.blend;
    const item = this.items[rank];
    const vector = this.vectors.subarray(rank * WIDTH, (rank + 1) * WIDTH);
    const damping = this.#damping[item];
    const visitedAt = vector[Feature.visitedAt];
    return {
      after: damping * vector[Feature.forwardAll],
      before: damping * backwardWeight * vector[Feature.backwardAll],
      votes: damping * this.#voteWeight * vector[Feature.votes],
      revisit: visitedAt > 0 ? revisitWeight * revisitDecay ** visitedAt : 0,
    };
  }

  #visit(prefix: Int32Array, length: number): number {
    let distinct = 0;
    for (let at = length - 1; at >= 0; at--) {
      const item = prefix[at];
      this.#touch(item);
      this.#visits[item]++;
      if (this.#visitedAt[item] >= 0) continue;
      this.#visitedAt[item] = length - 1 - at;
      distinct++;
    }
    return distinct;
  }

  #addTransitions(prefix: Int32Array, length: number): void {
    const { lastItems, positionDecay } = this.#base.options.blend;
    const { starts, targets, direct, forward, backward } = this.#base.transitions;
    const sums = this.#sums;
    for (let k = 0; k < Math.min(length, lastItems); k++) {
      const item = prefix[length - 1 - k];
      const divisor = this.#divisors[item];
      const weight = positionDecay ** k;
      for (let entry = starts[item]; entry < starts[item + 1]; entry++) {
        const base = this.#touch(targets[entry]);
        const after = divisor * forward[entry];
        const before = divisor * backward[entry];
        if (k === 0) {
          sums[base + DIRECT] = divisor * direct[entry];
          sums[base + FORWARD] = after;
          sums[base + BACKWARD] = before;
          sums[base + PAIR] = forward[entry] + backward[entry];
        } else if (k === 1) {
          sums[base + FORWARD_2] = after;
          sums[base + BACKWARD_2] = before;
        }
        sums[base + FORWARD_ALL] += weight * after;
        sums[base + BACKWARD_ALL] += weight * before;
        sums[base + LINKS]++;
      }
    }
  }

  #findMaxima(): void {
    this.#votesMax = this.#forwardMax = this.#pairsMax = 0;
    for (let k = 0; k < this.#size; k++) {
      const base = this.#touched[k] * SUMS;
      this.#votesMax = Math.max(this.#votesMax, this.#sums[base + VOTES]);
      this.#forwardMax = Math.max(this.#forwardMax, this.#sums[base + FORWARD]);
      const pairs = this.#sums[base + FORWARD_ALL] + this.#sums[base + BACKWARD_ALL];
      this.#pairsMax = Math.max(this.#pairsMax, pairs);
    }
  }

  #offer(request: CandidateRequest): void {
    const { votesWeight } = this.#base.options.blend;
    this.#voteWeight = this.#votesTotal > 0 ? votesWeight / this.#votesTotal : 0;
    for (let k = 0; k < this.#size; k++) {
      const item = this.#touched[k];
      if (this.#mayShow(item, request)) this.#top.offer(item, this.#scoreOf(item));
    }
  }

  #scoreOf(item: number): number {
    const { backwardWeight, revisitWeight, revisitDecay } = this.#base.options.blend;
    const visitedAt = this.#visitedAt[item];
    const base = item * SUMS;
    const pairs = this.#sums[base + FORWARD_ALL] + backwardWeight * this.#sums[base + BACKWARD_ALL];
    const score = this.#damping[item] * (pairs + this.#voteWeight * this.#sums[base + VOTES]);
    return visitedAt > 0 ? score + revisitWeight * revisitDecay ** visitedAt : score;
  }

  #mayShow(item: number, { mode, allows }: CandidateRequest): boolean {
    return (mode === "all" || this.#visitedAt[item] < 0) && (allows === null || allows(item));
  }

  /** Second steps from the best candidates that the session has not seen; the best of them join the list. */
  #goOn(found: number, request: CandidateRequest): number {
    const { hubs } = this.#base.options.blend;
    for (let rank = 0, left = hubs; rank < found && left > 0; rank++) {
      if (this.#visitedAt[this.items[rank]] >= 0) continue;
      this.#second.addHub(this.items[rank], this.blend[rank]);
      left--;
    }
    for (let rank = 0; rank < found; rank++) this.#isTouched[this.items[rank]] = LISTED;
    this.#secondMax = 0;
    for (let k = 0; k < this.#second.size; k++) {
      const item = this.#second.touched[k];
      const score = this.#second.scoreOf(item);
      this.#secondMax = Math.max(this.#secondMax, score);
      if (this.#isTouched[item] !== LISTED && this.#mayShow(item, request))
        this.#secondTop.offer(item, score);
    }
    const count = found + this.#secondTop.drain(this.items.subarray(found));
    for (let rank = found; rank < count; rank++) this.blend[rank] = this.#scoreOf(this.items[rank]);
    return count;
  }

  /** Too few: what is popular now, the category's first. */
  #fill(found: number, request: CandidateRequest): number {
    const wanted = Math.min(request.fillTo, this.items.length);
    let count = found;
    for (const pool of this.#base.popular(request.category)) {
      for (let k = 0; k < pool.length && count < wanted; k++) {
        const item = pool[k];
        if (!this.#mayShow(item, request)) continue;
        if (this.items.subarray(0, count).includes(item)) continue;
        this.items[count] = item;
        this.blend[count++] = 0;
      }
    }
    return count;
  }

  #describe(rank: number, session: { length: number; distinct: number; last: number }): void {
    const { statistics } = this.#base;
    const item = this.items[rank];
    const sums = this.#sums;
    const base = item * SUMS;
    const out = this.vectors;
    const to = rank * WIDTH;
    const events = statistics.events[item];
    const { length, distinct, last } = session;
    out[to + Feature.direct] = sums[base + DIRECT];
    out[to + Feature.forward] = sums[base + FORWARD];
    out[to + Feature.backward] = sums[base + BACKWARD];
    out[to + Feature.forward2] = sums[base + FORWARD_2];
    out[to + Feature.backward2] = sums[base + BACKWARD_2];
    out[to + Feature.forwardAll] = sums[base + FORWARD_ALL];
    out[to + Feature.backwardAll] = sums[base + BACKWARD_ALL];
    out[to + Feature.links] = sums[base + LINKS];
    out[to + Feature.cosine] =
      last < 0 ? 0 : sums[base + PAIR] * Math.sqrt(this.#divisors[last] * this.#divisors[item]);
    out[to + Feature.votes] = sums[base + VOTES];
    out[to + Feature.votesShare] = shareOf(sums[base + VOTES], this.#votesMax);
    out[to + Feature.votesMax] = this.#votesMax;
    out[to + Feature.forwardShare] = shareOf(sums[base + FORWARD], this.#forwardMax);
    out[to + Feature.forwardMax] = this.#forwardMax;
    const second = this.#second.scoreOf(item);
    out[to + Feature.second] = second;
    out[to + Feature.secondShare] = shareOf(second, this.#secondMax);
    const pairs = sums[base + FORWARD_ALL] + sums[base + BACKWARD_ALL];
    out[to + Feature.pairsShare] = shareOf(pairs, this.#pairsMax);
    out[to + Feature.blend] = this.blend[rank];
    out[to + BLEND_SHARE] = shareOf(this.blend[rank], this.blend[0]);
    out[to + Feature.rank] = rank;
    out[to + Feature.events] = events;
    out[to + Feature.recent] = statistics.recent[item];
    out[to + Feature.recentShare] = statistics.recent[item] / (events + 5);
    out[to + Feature.lastAge] = statistics.lastAge[item];
    out[to + Feature.firstAge] = statistics.firstAge[item];
    out[to + Feature.returns] = statistics.returns[item];
    out[to + Feature.continued] = statistics.continued[item];
    out[to + Feature.visitedAt] = this.#visitedAt[item];
    out[to + Feature.visits] = this.#visits[item];
    out[to + Feature.length] = length;
    out[to + Feature.distinct] = distinct;
    out[to + Feature.repeatShare] = length === 0 ? 0 : 1 - distinct / length;
    out[to + Feature.lastEvents] = last < 0 ? 0 : statistics.events[last];
  }

  #touch(item: number): number {
    if (this.#isTouched[item] === 0) {
      this.#isTouched[item] = 1;
      this.#touched[this.#size++] = item;
    }
    return item * SUMS;
  }

  #clear(prefix: Int32Array, length: number): void {
    for (let k = 0; k < this.#size; k++) {
      const item = this.#touched[k];
      this.#isTouched[item] = 0;
      this.#sums.fill(0, item * SUMS, (item + 1) * SUMS);
    }
    this.#size = 0;
    this.#second.clear();
    for (let at = 0; at < length; at++) {
      this.#visitedAt[prefix[at]] = -1;
      this.#visits[prefix[at]] = 0;
    }
  }
}

function shareOf(value: number, whole: number): number {
  return whole > 0 ? value / whole : 0;
}
