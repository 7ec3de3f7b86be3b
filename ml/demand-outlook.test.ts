import { describe, expect, it } from "vitest";
import { decodeOutlook, encodeOutlook, type OutlookSeries } from "./demand-outlook.ts";

const DAY = 86_400_000;
const OUTLOOK: OutlookSeries = {
  version: "7",
  places: [
    { productId: "p", warehouseId: "w1" },
    { productId: 'p","w1', warehouseId: "" },
  ],
  ...{ horizon: 2, startMs: 20_000 * DAY, stepMs: DAY },
  mean: Float64Array.of(1.5, 2, 3, 4),
  lower80: Float64Array.of(0, 0.25, 1, 2),
  upper80: Float64Array.of(4, 5, 6, 7),
};

describe("the outlook of demand", () => {
  it("is the same after it was stored", () => {
    // As stores give it: somewhere within a larger buffer.
    const outlook = decodeOutlook(Buffer.from([0, ...encodeOutlook(OUTLOOK)]).subarray(1));
    expect(outlook.version).toBe("7");
    expect(outlook.of({ productId: "p", warehouseId: "w1" })).toEqual({
      ...{ startMs: 20_000 * DAY, stepMs: DAY },
      mean: Float64Array.of(1.5, 2),
      lower80: Float64Array.of(0, 0.25),
      upper80: Float64Array.of(4, 5),
    });
    expect(outlook.of(OUTLOOK.places[1])?.mean).toEqual(Float64Array.of(3, 4));
    expect(outlook.of({ productId: "p", warehouseId: "w2" })).toBeNull();
  });

  it("is refused where it is cut off, or something else", () => {
    const bytes = encodeOutlook(OUTLOOK);
    const foreign = new TextEncoder().encode("    {}");
    for (const broken of [bytes.subarray(0, bytes.length - 1), bytes.subarray(0, 3), foreign])
      expect(() => decodeOutlook(broken)).toThrow(expect.objectContaining({ code: "model-corrupt" }));
  });
});
