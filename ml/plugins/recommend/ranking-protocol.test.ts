import { describe, expect, it } from "vitest";
import { itemKnnBaseline, popularityBaseline } from "./baselines.ts";
import { measureRanker } from "./ranking-protocol.ts";
import { makeSessionLog, parseCases, prefixCases } from "./session-log.ts";
import { TopList } from "./top-list.ts";

const POPULARITY = Int32Array.of(2, 0, 1);

describe("the ranking protocol", () => {
  it("counts hits and their places in two tables", () => {
    const cases = prefixCases([[10, 20, 10, 30]], Float64Array.of(10, 20, 30));
    const tables = measureRanker(
      (prefix, mode) => Int32Array.of(0, 1, 2).filter((item) => mode === "all" || !prefix.includes(item)),
      cases,
      POPULARITY,
    );
    // After 10: 20 second; after 10 20: 10 first; after 10 20 10: 30 third.
    expect(tables.all).toMatchObject({ cases: 3, hitRate20: 1, coverage: 1 });
    expect(tables.all.mrr20).toBeCloseTo((1 / 2 + 1 + 1 / 3) / 3);
    // The return to 10 is none; the others are first among what is new.
    expect(tables.discovery).toMatchObject({ cases: 2, hitRate20: 1, mrr20: 1 });
    // Places by popularity: items 1, 0 and 2 have 3, 2 and 1.
    expect(tables.all.popularityRankShown).toBeCloseTo(2);
    expect(tables.all.popularityRankTargets).toBeCloseTo(2);
    expect(tables.discovery.popularityRankShown).toBeCloseTo((3 + 1 + 1) / 3);
  });

  it("counts an unknown target as a miss, its repeat not as a discovery", () => {
    const cases = prefixCases([[10, 99, 99, 10]], Float64Array.of(10));
    const tables = measureRanker(() => Int32Array.of(0), cases, Int32Array.of(0));
    expect(tables.all).toMatchObject({ cases: 3, hitRate20: 1 / 3, mrr20: 1 / 3, popularityRankTargets: 1 });
    expect(tables.all.ofKnown).toEqual({ cases: 1, hitRate20: 1, mrr20: 1 });
    expect(tables.discovery).toMatchObject({ cases: 1, hitRate20: 0 });
    expect(tables.discovery.ofKnown).toEqual({ cases: 0, hitRate20: 0, mrr20: 0 });
  });

  it("does not count what is shown past the twentieth place", () => {
    const items = Int32Array.from({ length: 30 }, (_, item) => item);
    const cases = parseCases(
      [
        { line: 1, text: "0\t19" },
        { line: 2, text: "0\t20" },
      ],
      "test",
      Float64Array.from(items),
    );
    const { all } = measureRanker(() => items, cases, items);
    expect(all).toMatchObject({ cases: 2, hitRate20: 0.5, mrr20: 0.5 / 20 });
    expect(all.coverage).toBeCloseTo(20 / 30);
  });

  it("takes an empty prefix, and refuses other lines by number", () => {
    const numbers = Float64Array.of(5, 6);
    const cases = parseCases([{ line: 1, text: "\t6" }], "test", numbers);
    expect([...cases.targets, cases.to[0] - cases.from[0]]).toEqual([1, 0]);
    for (const text of ["5 6", "5\t6\t6", "5\tx", "a\t6", "5\t", "5\t-6", "5\t1e3"]) {
      const parse = (): unknown => parseCases([{ line: 3, text }], "test.txt", numbers);
      expect(parse).toThrow(/^test\.txt cannot be used: line 3: /);
      expect(parse).toThrow(expect.objectContaining({ code: "file-unusable", origin: "user" }));
    }
  });
});

describe("the baselines", () => {
  const log = makeSessionLog([
    [1, 2],
    [1, 2, 4],
    [3, 4],
    [1, 5, 1],
  ]);

  it("show the most popular items, ties to the smaller number", () => {
    const popular = popularityBaseline(log);
    expect([...popular(Int32Array.of(), "all")]).toEqual([0, 1, 3, 2, 4]);
    expect([...popular(Int32Array.of(0, 3), "discovery")]).toEqual([1, 2, 4]);
  });

  it("show the nearest items of the last one, as brute force finds them, then popular ones", () => {
    const itemKnn = itemKnnBaseline(log);
    // Item 4 shares a session each with 1, 2 and 3; of these 3 is the rarest, then 2.
    expect([...itemKnn(Int32Array.of(0, 3), "all")]).toEqual([2, 1, 0, 3, 4]);
    expect([...itemKnn(Int32Array.of(0, 3), "discovery")]).toEqual([2, 1, 4]);
    expect([...itemKnn(Int32Array.of(-1), "all")]).toEqual([0, 1, 3, 2, 4]);
    expect([...itemKnn(Int32Array.of(), "all")]).toEqual([0, 1, 3, 2, 4]);
  });
});

describe("a top list", () => {
  it("keeps the best, equal scores by the smaller id", () => {
    const offers = Array.from({ length: 200 }, (_, k) => ({ id: (k * 73) % 200, score: (k * 31) % 17 }));
    const sorted = [...offers].sort((a, b) => b.score - a.score || a.id - b.id).map(({ id }) => id);
    for (const capacity of [1, 7, 200, 300]) {
      const top = new TopList(capacity);
      const ids = new Int32Array(capacity);
      for (let round = 0; round < 2; round++) {
        for (const { id, score } of offers) top.offer(id, score);
        const size = Math.min(capacity, offers.length);
        expect(top.drain(ids)).toBe(size);
        expect([...ids.subarray(0, size)]).toEqual(sorted.slice(0, size));
      }
    }
  });
});
