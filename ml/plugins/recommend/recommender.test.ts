import { describe, expect, it } from "vitest";
import { decodeRecommender, encodeRecommender } from "./model-file.ts";
import { DEFAULT_OPTIONS, type RecommendOptions } from "./recommend-options.ts";
import { type Recommender, trainRecommender } from "./recommender.ts";
import { makeSessionLog } from "./session-log.ts";
import { walkingSessions } from "./sessions.fixture.ts";

const ranking = { ...(DEFAULT_OPTIONS.ranking as NonNullable<RecommendOptions["ranking"]>), trees: 10 };
const ranked: RecommendOptions = { ...DEFAULT_OPTIONS, ranking };
const blended: RecommendOptions = { ...DEFAULT_OPTIONS, ranking: null };
const log = makeSessionLog(walkingSessions(3000, { items: 60, seed: 5 }));
const questions = walkingSessions(200, { items: 70, seed: 6 });

function answers(recommender: Recommender): number[][] {
  return questions.flatMap((session) => [
    recommender.recommend(session, { count: 20, mode: "all" }),
    recommender.recommend(session, { count: 20, mode: "discovery" }),
  ]);
}

describe.each([
  ["blend", blended],
  ["ranked", ranked],
])("a recommender, %s", (_, options) => {
  const recommender = trainRecommender(log, { seed: 1, options });

  it("shows what mostly comes next first", () => {
    const next = Array.from({ length: 50 }, (_, item) => item).filter(
      (item) => recommender.recommend([10 * item + 7], { count: 2, mode: "discovery" })[0] === 10 * item + 17,
    );
    expect(next.length).toBeGreaterThan(40);
  });

  it("shows as many different items as asked for; in discovery none of the session", () => {
    for (const session of questions) {
      const all = recommender.recommend(session, { count: 20, mode: "all" });
      expect(new Set(all).size).toBe(20);
      const fresh = recommender.recommend(session, { count: 20, mode: "discovery" });
      expect(new Set([...fresh, ...session]).size).toBe(20 + new Set(session).size);
    }
  });

  it("shows only what the filter lets through, and fills up with it", () => {
    const filter = (item: number): boolean => item % 20 === 7;
    const shown = recommender.recommend([7, 17], { count: 20, mode: "all", filter });
    expect(shown).toHaveLength(20);
    expect(shown.every(filter)).toBe(true);
  });

  it("shows popular items to a visitor of whom it knows nothing", () => {
    const popular = Array.from(recommender.base.statistics.byPopularity, (item) => log.itemNumbers[item]);
    const options = { count: 10, mode: "all" } as const;
    expect(new Set(recommender.recommend([], options))).toEqual(new Set(popular.slice(0, 10)));
    expect(recommender.recommend([-5, 123_456], options)).toEqual(recommender.recommend([], options));
  });

  it("gives the same model and answers for the same seed", () => {
    const again = trainRecommender(log, { seed: 1, options });
    expect(Buffer.from(encodeRecommender(again)).equals(Buffer.from(encodeRecommender(recommender)))).toBe(
      true,
    );
    expect(answers(again)).toEqual(answers(recommender));
  });

  it("answers the same after it was stored and loaded", () => {
    const bytes = encodeRecommender(recommender);
    const shifted = new Uint8Array(bytes.length + 3).subarray(3);
    shifted.set(bytes);
    expect(answers(decodeRecommender(shifted, "v1"))).toEqual(answers(recommender));
    expect(answers(decodeRecommender(Buffer.from(shifted), "v1"))).toEqual(answers(recommender));
  });

  it("refuses a stored model that is broken", () => {
    const bytes = encodeRecommender(recommender);
    const other = bytes.slice();
    other.set(new TextEncoder().encode("elsewhere"), bytes.indexOf("m".charCodeAt(0)));
    const badItems = bytes.slice();
    const items = new DataView(badItems.buffer);
    const headerEnd = 4 + items.getUint32(0, true);
    items.setInt32(headerEnd + 8 * log.itemNumbers.length, 1_000_000, true);
    for (const broken of [
      new Uint8Array(2),
      bytes.subarray(0, 100),
      bytes.subarray(0, -1),
      other,
      badItems,
    ]) {
      const load = (): unknown => decodeRecommender(broken, "v9");
      expect(load).toThrow(/^model v9 cannot be loaded: /);
      expect(load).toThrow(expect.objectContaining({ code: "model-incompatible" }));
    }
  });

  it("refuses a count that it cannot serve", () => {
    for (const count of [0, 101, Number.NaN]) {
      expect(() => recommender.recommend([7], { count, mode: "all" })).toThrow(/ask for 1 to 100/);
    }
  });
});

describe("a recommender", () => {
  it("fills up from the category of an item that it never saw", () => {
    const categories = new Map([
      [7, 1],
      [17, 1],
      [27, 2],
      [999_999, 2],
    ]);
    const recommender = trainRecommender(log, { seed: 1, options: blended, categories });
    const request = { count: 3, mode: "all" } as const;
    expect(recommender.recommend([999_999], request)[0]).toBe(27);
    expect(decodeRecommender(encodeRecommender(recommender), "v1").recommend([999_999], request)[0]).toBe(27);
  });

  it("goes on to what goes with its candidates before it fills up with what is popular", () => {
    const chains = [10, 20, 30].flatMap((first) => [
      [first, first + 1],
      [first + 1, first + 2],
      [first + 2, first + 3],
    ]);
    const popular = Array.from({ length: 50 }, () => [98, 99]);
    const recommender = trainRecommender(makeSessionLog([...chains, ...popular]), {
      seed: 1,
      options: blended,
    });
    const shown = (count: number, filter?: (item: number) => boolean): number[] =>
      recommender.recommend([10], { count, mode: "discovery", ...(filter === undefined ? {} : { filter }) });
    expect(shown(3).slice(0, 2)).toEqual([11, 12]);
    expect([98, 99]).toContain(shown(3)[2]);
    expect([98, 99]).toContain(shown(2, (item) => item !== 12)[1]);
    // Nothing of one answer is left over in the next.
    expect(recommender.recommend([30], { count: 2, mode: "discovery" })).toEqual([31, 32]);
    expect(shown(3).slice(0, 2)).toEqual([11, 12]);
  });

  it("knows the items most often seen with one", () => {
    const recommender = trainRecommender(log, { seed: 1, options: blended });
    const similar = recommender.similarItems(107, 10);
    expect(similar).toHaveLength(10);
    expect(similar.slice(0, 2)).toContain(117);
    expect(similar).not.toContain(107);
    expect(recommender.similarItems(1, 10)).toEqual([]);
  });

  it("keeps the first order where there is too little to learn another, and needs one event", () => {
    const few = makeSessionLog(walkingSessions(100, { items: 20, seed: 7 }));
    expect(trainRecommender(few, { seed: 1, options: ranked }).forest).toBeNull();
    expect(() => trainRecommender(makeSessionLog([]), { seed: 1 })).toThrow(
      expect.objectContaining({ code: "dataset-unusable" }),
    );
  });
});
