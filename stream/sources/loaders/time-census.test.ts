import { describe, expect, it } from "vitest";
import { TimeCensus } from "./time-census.ts";

const MINUTE = 60_000;

function censusOf(times: readonly number[]): TimeCensus {
  const census = new TimeCensus();
  for (const ms of times) census.add("customer-events", ms);
  return census;
}

describe("TimeCensus", () => {
  it("tells order topic by topic: an order may be older than the purchase in front of it", () => {
    expect(censusOf([5, 5, 7]).inOrder).toBe(true);
    expect(censusOf([5, 7, 6]).inOrder).toBe(false);
    const census = censusOf([5, 7]);
    census.add("orders", 6);
    expect(census.inOrder).toBe(true);
    expect(census.range).toEqual({ firstMs: 5, lastMs: 7 });
    expect(new TimeCensus().range).toEqual({ firstMs: 0, lastMs: 0 });
  });

  it("divides the time so that no slice has more records than asked for, but for one full minute", () => {
    const times = [9, 0, 1, 1, 4, 4, 4, 4, 1, 20].map((minute) => minute * MINUTE + 5);
    expect(censusOf(times).slices(4)).toEqual([
      { fromMs: Number.NEGATIVE_INFINITY, toMs: 4 * MINUTE },
      { fromMs: 4 * MINUTE, toMs: 9 * MINUTE },
      { fromMs: 9 * MINUTE, toMs: Number.POSITIVE_INFINITY },
    ]);
    expect(censusOf(times).slices(3)).toHaveLength(4);
    expect(censusOf(times).slices(100)).toHaveLength(1);
    expect(new TimeCensus().slices(1)).toHaveLength(1);
  });
});
