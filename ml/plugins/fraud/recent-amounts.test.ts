import { describe, expect, it } from "vitest";
import { createRandom } from "../../training/random.ts";
import { RecentAmounts } from "./recent-amounts.ts";

describe("recent amounts", () => {
  it("have the quantiles, ranks and order of a sorted copy of the last 64", () => {
    const random = createRandom(1);
    const amounts = new RecentAmounts(2);
    const seen: number[] = [];
    for (let i = 0; i < 500; i++) {
      const amount = Math.floor(random() * 40);
      amounts.add(1, amount);
      seen.push(amount);
      const kept = seen.slice(-64);
      const sorted = kept.toSorted((a, b) => a - b);
      for (const share of [0, 0.25, 0.5, 0.9, 1]) {
        expect(amounts.quantile(1, share)).toBe(sorted[Math.floor(share * (kept.length - 1) + 0.5)]);
      }
      expect(amounts.rank(1, 20)).toBe(kept.filter((one) => one < 20).length / kept.length);
      expect(amounts.last(1, 1)).toBe(amount);
      expect(amounts.last(1, kept.length)).toBe(kept[0]);
      expect(amounts.last(1, kept.length + 1)).toBeNaN();
    }
    expect(amounts.quantile(0, 0.5)).toBeNaN();
    expect(amounts.rank(0, 1)).toBeNaN();
  });
});
