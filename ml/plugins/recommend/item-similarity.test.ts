import { describe, expect, it } from "vitest";
import { StateSection } from "../../../schema/index.ts";
import { type ProductList, RECOMMENDATION_REASONS } from "../../recommender.ts";
import { DEFAULT_SIMILARITY, ItemSimilarity } from "./item-similarity.ts";
import { findOccurrences } from "./occurrences.ts";
import { makeSessionLog, type SessionLog, sessionCount } from "./session-log.ts";
import { walkingSessions } from "./sessions.fixture.ts";
import { countTransitions } from "./transitions.ts";

const HOUR = 3_600_000;
const options = { ...DEFAULT_SIMILARITY, neighboursMax: 64, reach: 4, halfLifeMs: 10 * HOUR };
const everything = (_: number): boolean => true;

function createState(changes: Partial<typeof options> = {}, section = new StateSection("test")) {
  return new ItemSimilarity(section, (item) => item % 3, { ...options, ...changes });
}

/** Learns sessions one after the other, an hour apart. */
function learnAll(log: SessionLog, state: ItemSimilarity): ItemSimilarity {
  for (let s = 0; s < sessionCount(log); s++) {
    const session = log.items.subarray(log.starts[s], log.starts[s + 1]);
    for (let length = 1; length <= session.length; length++) {
      state.ensure(session[length - 1] + 1);
      state.learn(session, length, s * HOUR);
    }
  }
  return state;
}

function products({ products, count }: ProductList): number[] {
  return [...products.subarray(0, count)];
}

function recommend(state: ItemSimilarity, visit: readonly number[], count: number, allows = everything) {
  return products(
    state.recommend({ visit: Int32Array.from(visit), length: visit.length, count, category: 1, allows }),
  );
}

describe("item similarity, learned event by event", () => {
  const log = makeSessionLog(walkingSessions(900, { items: 40, seed: 3 }));

  // 900 hours are 90 half-lives: the sums are scaled down twice on the way.
  it("has the counts of the batch over the same events", () => {
    const state = learnAll(log, createState());
    const end = (sessionCount(log) - 1) * HOUR;
    const weights = Float64Array.from(
      { length: sessionCount(log) },
      (_, s) => 2 ** ((s * HOUR - end) / options.halfLifeMs),
    );
    const batch = countTransitions(log, findOccurrences(log), weights, options);
    let pairs = 0;
    for (let item = 0; item < log.itemNumbers.length; item++) {
      for (let k = batch.starts[item]; k < batch.starts[item + 1]; k++) {
        const { forward, backward } = state.pair(item, batch.targets[k], end);
        expect(Math.abs(forward - batch.forward[k])).toBeLessThan(1e-4 * batch.forward[k] + 1e-6);
        expect(Math.abs(backward - batch.backward[k])).toBeLessThan(1e-4 * batch.backward[k] + 1e-6);
        pairs++;
      }
    }
    expect(pairs).toBeGreaterThan(500);
  });

  it("answers what comes after, for an item and for a visit", () => {
    const state = learnAll(log, createState());
    expect(products(state.similar(5, 10))).toHaveLength(10);
    expect(products(state.similar(5, 10))[0]).toBe(6);
    expect(products(state.similar(5, 10))).not.toContain(5);
    expect(recommend(state, [5], 10).indexOf(6)).toBeLessThan(2);
    expect(recommend(state, [5], 10, (item) => item !== 6)).not.toContain(6);
  });

  it("says what each score is made of", () => {
    const state = learnAll(log, createState());
    const { count, scores, reasons } = state.similar(5, 10);
    const width = RECOMMENDATION_REASONS.length;
    for (let rank = 0; rank < count; rank++) {
      const parts = reasons.subarray(rank * width, (rank + 1) * width);
      expect(parts.reduce((sum, part) => sum + part)).toBeCloseTo(scores[rank], 12);
    }
    expect(scores[0]).toBeGreaterThan(scores[count - 1]);
  });

  it("fills up by what is popular in the category, then anywhere, as a count of all would say", () => {
    // Nothing decays, so that popularity is a count.
    const state = learnAll(log, createState({ halfLifeMs: 1e15 }));
    const events = Float64Array.from(
      log.itemNumbers,
      (_, item) => log.items.filter((i) => i === item).length,
    );
    const ranked = [...events.keys()].sort((a, b) => events[b] - events[a] || a - b);
    expect(recommend(state, [], 10)).toEqual(ranked.filter((item) => item % 3 === 1).slice(0, 10));
    const all = recommend(state, [], 25);
    expect(new Set(all).size).toBe(25);
    expect(all.filter((item) => item % 3 !== 1)).toEqual(
      ranked.filter((item) => item % 3 !== 1).slice(0, all.filter((item) => item % 3 !== 1).length),
    );
    expect(recommend(state, [], 5, (item) => item > 30).every((item) => item > 30)).toBe(true);
  });

  it("knows nothing before the first look", () => {
    expect(recommend(createState(), [3], 10)).toEqual([]);
  });

  it("stays within its bound: a full row gives up its weakest neighbour", () => {
    const section = new StateSection("bounded");
    const state = learnAll(log, createState({ neighboursMax: 4 }, section));
    const again = learnAll(log, createState({ neighboursMax: 4 }));
    for (let item = 0; item < log.itemNumbers.length; item++) {
      expect(products(state.similar(item, 10)).length).toBeLessThanOrEqual(4);
      expect(products(state.similar(item, 10))).toEqual(products(again.similar(item, 10)));
    }
    expect(section.arrays.find(({ name }) => name === "targets")?.length).toBe(4 * log.itemNumbers.length);
    const following = Array.from(log.itemNumbers, (_, item) => products(state.similar(item, 1))[0]);
    const steps = following.filter((next, item) => next === (item + 1) % 40 || next === (item + 39) % 40);
    expect(steps.length).toBeGreaterThan(20);
  });
});
