import { describe, expect, it } from "vitest";
import { atLeast, atMost, figureRow, type JudgedFigure, missedBy } from "./judged-figure.ts";
import { judge } from "./plugin-evaluation.ts";

const figure = (ours: number, target: JudgedFigure["target"]): JudgedFigure => ({
  name: "AUC",
  ours,
  baseline: { name: "base rate", value: 0.5 },
  target,
});

describe("a figure beside its target", () => {
  it("is met from the target on, in the target's direction", () => {
    expect(missedBy(figure(0.88, atLeast(0.88)))).toBe(0);
    expect(missedBy(figure(0.87, atLeast(0.88)))).toBeCloseTo(0.01);
    expect(missedBy(figure(0.58, atMost(0.572)))).toBeCloseTo(0.008);
    expect(missedBy(figure(0.1, null))).toBe(0);
  });

  it("that could not be measured meets no target", () => {
    expect(figureRow(figure(Number.NaN, atLeast(0.88))).at(-1)).toBe("missed by NaN");
  });

  it("is told with its baseline, its target and the verdict", () => {
    expect(figureRow(figure(0.91234, atLeast(0.88)))).toEqual([
      "AUC",
      "0.9123",
      "0.5000 (base rate)",
      "≥ 0.88",
      "met",
    ]);
    expect(figureRow(figure(0.8, atLeast(0.88))).at(-1)).toBe("missed by 0.0800");
    expect(figureRow({ ...figure(0.8, null), baseline: null })).toEqual(["AUC", "0.8000", "", "", ""]);
  });
});

describe("the figures of a result", () => {
  const result = { bias: -0.2, methods: { naive: { bias: 0.3 } } };

  it("are found by their paths, as sizes where the sign does not count", () => {
    const baseline = { name: "naive", path: "methods.naive.bias" };
    expect(judge([{ name: "bias", path: "bias", isAbsolute: true, baseline }], result)).toEqual([
      { name: "bias", ours: 0.2, baseline: { name: "naive", value: 0.3 }, target: null },
    ]);
  });

  it("are never left out in silence", () => {
    for (const path of ["wape", "methods.naive.wape", "methods.none.bias", "methods"])
      expect(() => judge([{ name: "x", path }], result)).toThrow(`has no figure ${path}`);
  });
});
