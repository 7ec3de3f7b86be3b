import type { Occurrences } from "./occurrences.ts";
import { type SessionLog, sessionCount } from "./session-log.ts";
import { TopList } from "./top-list.ts";
import { recencyWeights } from "./transitions.ts";

export interface NeighbourOptions {
  /** Newest sessions looked at for each item of the prefix. */
  readonly sessionsMax: number;
  /** Sessions that vote. */
  readonly neighboursMax: number;
  /** Items of the prefix looked at, from its end. */
  readonly lastItems: number;
  /** The `k`-th item from the end of the prefix counts `positionDecay` to the power of k. */
  readonly positionDecay: number;
  /** A vote for an item `d` events from the shared one counts this to the power of d - 1. */
  readonly distanceDecay: number;
  /** What a vote counts for an item that came before the shared one. */
  readonly beforeWeight: number;
  /** A session's age counts e to the power of -age, in units of this times the whole log. */
  readonly recency: number;
}

/**
 * Votes of similar past sessions: those that share items with the prefix, weighted by which items
 * (rare ones and late ones count more), by age and by how near the item stood to the shared one.
 * After V-SKNN (Ludewig and Jannach, 2018) and STAN (Garg et al., 2019).
 */
export class SessionNeighbours {
  readonly #log: SessionLog;
  readonly #occurrences: Occurrences;
  readonly #options: NeighbourOptions;
  readonly #itemWeights: Float64Array;
  readonly #ageWeights: Float64Array;
  readonly #similarity: Float64Array;
  /** The newest event that a touched session shares with the latest shared item of the prefix. */
  readonly #shared: Int32Array;
  readonly #touched: Int32Array;
  readonly #top: TopList;
  readonly #ages: Int32Array;
  readonly #scores: Float64Array;

  constructor(log: SessionLog, occurrences: Occurrences, options: NeighbourOptions) {
    const count = sessionCount(log);
    this.#log = log;
    this.#occurrences = occurrences;
    this.#options = options;
    const { starts } = occurrences;
    this.#itemWeights = Float64Array.from(log.itemNumbers, (_, item) =>
      Math.log(1 + count / (starts[item + 1] - starts[item] + 1)),
    );
    this.#ageWeights = recencyWeights(log, options.recency);
    this.#similarity = new Float64Array(count);
    this.#shared = new Int32Array(count);
    this.#touched = new Int32Array(count);
    this.#top = new TopList(options.neighboursMax);
    this.#ages = new Int32Array(options.neighboursMax);
    this.#scores = new Float64Array(options.neighboursMax);
  }

  /** Calls `vote(item, weight)` for the items of the neighbours of `prefix[0, length)`. */
  vote(prefix: Int32Array, length: number, vote: (item: number, weight: number) => void): void {
    const { starts, items } = this.#log;
    const { distanceDecay, beforeWeight } = this.#options;
    const count = this.#strongest(prefix, length);
    const newest = sessionCount(this.#log) - 1;
    for (let k = 0; k < count; k++) {
      const session = newest - this.#ages[k];
      const shared = this.#shared[session];
      // A long session shares items more easily and has more to vote for.
      const voice = this.#scores[k] / Math.sqrt(starts[session + 1] - starts[session]);
      let weight = voice;
      for (let event = shared + 1; event < starts[session + 1]; event++, weight *= distanceDecay) {
        vote(items[event], weight);
      }
      weight = voice * beforeWeight;
      for (let event = shared - 1; event >= starts[session]; event--, weight *= distanceDecay) {
        vote(items[event], weight);
      }
    }
  }

  /** Fills `#ages` and `#scores`; of equal sessions the newer is first. */
  #strongest(prefix: Int32Array, length: number): number {
    const touched = this.#touch(prefix, length);
    const newest = sessionCount(this.#log) - 1;
    for (let k = 0; k < touched; k++) {
      const session = this.#touched[k];
      this.#top.offer(newest - session, this.#similarity[session] * this.#ageWeights[session]);
      this.#similarity[session] = 0;
    }
    return this.#top.drain(this.#ages, this.#scores);
  }

  #touch(prefix: Int32Array, length: number): number {
    const { sessionsMax, lastItems, positionDecay } = this.#options;
    const { starts, events, sessions } = this.#occurrences;
    let touched = 0;
    for (let k = 0; k < Math.min(length, lastItems); k++) {
      const at = length - 1 - k;
      const item = prefix[at];
      if (prefix.indexOf(item, at + 1) >= 0 && prefix.indexOf(item, at + 1) < length) continue;
      const weight = positionDecay ** k * this.#itemWeights[item];
      let last = -1;
      for (let entry = starts[item + 1] - 1, seen = 0; entry >= starts[item] && seen < sessionsMax; entry--) {
        const session = sessions[events[entry]];
        if (session === last) continue;
        last = session;
        seen++;
        if (this.#similarity[session] === 0) {
          this.#touched[touched++] = session;
          this.#shared[session] = events[entry];
        }
        this.#similarity[session] += weight;
      }
    }
    return touched;
  }
}
