import { describe, expect, it } from "vitest";
import { DEFAULT_SIMILARITY, ItemSimilarity } from "./item-similarity.ts";
import { findOccurrences } from "./occurrences.ts";
import { makeSessionLog, sessionCount } from "./session-log.ts";
import { walkingSessions } from "./sessions.fixture.ts";
import { countTransitions } from "./transitions.ts";

const HOUR = 3_600_000;
const options = { ...DEFAULT_SIMILARITY, neighboursMax: 64, reach: 4, halfLifeMs: 10 * HOUR };

/** Folds sessions one after the other, an hour apart, all of `user`. */
function foldAll(log: ReturnType<typeof makeSessionLog>, folded = options): ItemSimilarity {
  const state = new ItemSimilarity(folded);
  for (let s = 0; s < sessionCount(log); s++) {
    for (let event = log.starts[s]; event < log.starts[s + 1]; event++) {
      state.ensure({ users: (s % 3) + 1, items: log.items[event] + 1 });
      state.fold(s % 3, log.items[event], s * HOUR);
    }
  }
  return state;
}

describe("item similarity, folded event by event", () => {
  const log = makeSessionLog(walkingSessions(900, { items: 40, seed: 3 }));

  // 900 hours are 90 half-lives: the sums are scaled down twice on the way.
  it("has the counts of the batch over the same events", () => {
    const state = foldAll(log);
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

  it("answers what comes after, for an item and for a user", () => {
    const state = foldAll(log);
    state.fold(1, 5, 2000 * HOUR);
    expect(state.topForItem(5, 10)).toHaveLength(10);
    expect(state.topForItem(5, 10)[0]).toBe(6);
    expect(state.topForItem(5, 10)).not.toContain(5);
    expect(state.topForUser(1, 10).indexOf(6)).toBeLessThan(2);
    expect(state.topForUser(1, 10, (item) => item !== 6)).not.toContain(6);
    expect(state.topForUser(1, 10)).toEqual(state.topForUser(1, 10));
  });

  it("begins a session anew after the gap, and knows nothing of a new user", () => {
    const state = new ItemSimilarity(options);
    state.ensure({ users: 2, items: 3 });
    state.fold(0, 0, 0);
    state.fold(0, 1, options.sessionGapMs);
    state.fold(0, 2, 3 * options.sessionGapMs);
    expect(state.pair(0, 1, 0).forward).toBeGreaterThan(0);
    expect(state.pair(1, 2, 0)).toEqual({ forward: 0, backward: 0 });
    expect([...state.topForUser(1, 10)]).toEqual([]);
  });

  it("stays within its bound: a full row gives up its weakest neighbour", () => {
    const state = foldAll(log, { ...options, neighboursMax: 4 });
    const bytes = state.bytes;
    const again = foldAll(log, { ...options, neighboursMax: 4 });
    for (let item = 0; item < log.itemNumbers.length; item++) {
      expect(state.topForItem(item, 10).length).toBeLessThanOrEqual(4);
      expect(state.topForItem(item, 10)).toEqual(again.topForItem(item, 10));
    }
    expect(again.bytes).toBe(bytes);
    expect(bytes).toBeLessThan(foldAll(log).bytes);
    const following = Array.from(log.itemNumbers, (_, item) => state.topForItem(item, 1)[0]);
    const steps = following.filter((next, item) => next === (item + 1) % 40 || next === (item + 39) % 40);
    expect(steps.length).toBeGreaterThan(20);
  });
});
