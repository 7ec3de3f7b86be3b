import { createRandom } from "../../training/random.ts";
import { BLEND_SHARE, CANDIDATE_FEATURES } from "./candidate-features.ts";
import { Candidates } from "./candidates.ts";
import type { RankingLists } from "./fit-ranking.ts";
import type { RankingOptions } from "./recommend-options.ts";
import type { RecommenderBase } from "./recommender-base.ts";
import { type SessionLog, sessionCount } from "./session-log.ts";

const WIDTH = CANDIDATE_FEATURES.length;

/** A blend of nothing, as where the list was filled up by popularity, is not infinitely unlikely. */
const BLEND_FLOOR = 0.002;

/** Score that the trees correct: a power of the first stage's, as its logarithm. */
export function marginOf(vectors: ArrayLike<number>, base: number, blendPower: number): number {
  return blendPower * Math.log(vectors[base + BLEND_SHARE] + BLEND_FLOOR);
}

/**
 * Candidates of the prefixes of the sessions from `firstSession` on, none of which `base` was built
 * from. Of the candidates past the first few only a sample is kept, each standing for those left out.
 */
export function rankingLists(
  base: RecommenderBase,
  log: SessionLog,
  firstSession: number,
  options: RankingOptions,
  seed: number,
): RankingLists {
  const random = createRandom(seed);
  const candidates = new Candidates(base);
  const builder = new ListBuilder(options);
  const request = { mode: "all", fillTo: 0, category: -1, allows: null } as const;
  const prefix = new Int32Array(longestSession(log, firstSession));
  for (
    let event = firstCaseEvent(log, firstSession, options.casesMax), s = firstSession;
    s < sessionCount(log);
    s++
  ) {
    const start = log.starts[s];
    for (event = Math.max(event, start + 1); event < log.starts[s + 1]; event++) {
      const known = knownPrefix(base, log, start, event, prefix);
      const count = candidates.collect(prefix, known, request);
      const chosen = candidates.items.subarray(0, count).indexOf(log.items[event]);
      if (chosen >= 0) builder.add(candidates, count, chosen, random);
    }
  }
  return builder.finish();
}

/** Items of the log's session that the base has seen. */
function knownPrefix(
  base: RecommenderBase,
  log: SessionLog,
  from: number,
  to: number,
  out: Int32Array,
): number {
  let known = 0;
  for (let event = from; event < to; event++) {
    const item = log.items[event];
    if (base.statistics.events[item] > 0) out[known++] = item;
  }
  return known;
}

/** The event from which on there are at most `casesMax` cases; every session's first event is none. */
function firstCaseEvent(log: SessionLog, firstSession: number, casesMax: number): number {
  let cases = 0;
  for (let s = sessionCount(log) - 1; s >= firstSession; s--) {
    cases += Math.max(0, log.starts[s + 1] - log.starts[s] - 1);
    if (cases >= casesMax) return log.starts[s] + 1 + (cases - casesMax);
  }
  return log.starts[firstSession];
}

function longestSession(log: SessionLog, firstSession: number): number {
  let longest = 0;
  for (let s = firstSession; s < sessionCount(log); s++) {
    longest = Math.max(longest, log.starts[s + 1] - log.starts[s]);
  }
  return longest;
}

class ListBuilder {
  readonly #options: RankingOptions;
  #columns: Float32Array<ArrayBuffer>[];
  #weights = new Float32Array(1 << 16);
  #margins = new Float64Array(1 << 16);
  #rows = 0;
  readonly #starts = [0];
  readonly #chosen: number[] = [];

  constructor(options: RankingOptions) {
    this.#options = options;
    this.#columns = CANDIDATE_FEATURES.map(() => new Float32Array(1 << 16));
  }

  add(candidates: Candidates, count: number, chosen: number, random: () => number): void {
    const { firstCandidates, sampledCandidates } = this.#options;
    const share = Math.min(1, sampledCandidates / Math.max(1, count - firstCandidates));
    for (let rank = 0; rank < count; rank++) {
      const isSampled = rank >= firstCandidates && rank !== chosen;
      if (isSampled && random() >= share) continue;
      if (rank === chosen) this.#chosen.push(this.#rows);
      this.#append(candidates.vectors, rank * WIDTH, isSampled ? 1 / share : 1);
    }
    this.#starts.push(this.#rows);
  }

  finish(): RankingLists {
    const rows = this.#rows;
    return {
      featureNames: CANDIDATE_FEATURES,
      columns: this.#columns.map((column) => column.subarray(0, rows)),
      rows,
      starts: Int32Array.from(this.#starts),
      chosen: Int32Array.from(this.#chosen),
      weights: this.#weights.subarray(0, rows),
      margins: this.#margins.subarray(0, rows),
    };
  }

  #append(vectors: Float64Array, base: number, weight: number): void {
    if (this.#rows === this.#weights.length) this.#grow();
    for (let j = 0; j < WIDTH; j++) this.#columns[j][this.#rows] = vectors[base + j];
    this.#weights[this.#rows] = weight;
    this.#margins[this.#rows++] = marginOf(vectors, base, this.#options.blendPower);
  }

  #grow(): void {
    const length = 2 * this.#rows;
    const longer = (old: Float32Array<ArrayBuffer>): Float32Array<ArrayBuffer> => {
      const column = new Float32Array(length);
      column.set(old);
      return column;
    };
    this.#columns = this.#columns.map(longer);
    this.#weights = longer(this.#weights);
    const margins = new Float64Array(length);
    margins.set(this.#margins);
    this.#margins = margins;
  }
}
