import { describe, expect, it } from "vitest";
import { auc } from "../training/metrics.ts";
import { createRandom } from "../training/random.ts";
import type { Evidence } from "./evidence.ts";
import { plotsOf } from "./evidence-plots.ts";
import { renderReport } from "./report.ts";
import { type LinePlot, renderSvg } from "./svg-plot.ts";

const random = createRandom(3);
const labels = Float64Array.from({ length: 300 }, () => (random() < 0.3 ? 1 : 0));
const scores = labels.map((label) => Math.round((0.3 * label + 0.7 * random()) * 50) / 50);
const evidence: Evidence[] = [
  { kind: "scores", title: "Test <week>", labels, series: [{ name: "ours", scores }] },
  { kind: "importance", title: "features", unit: "log-odds", values: { a: 0.5, b: -2, "c & d": 0 } },
  { kind: "hits", title: "all", series: [{ name: "ours", shares: [0.2, 0.3] }] },
  {
    kind: "residuals",
    title: "demand",
    actual: Float64Array.of(0, 5, 9),
    series: [{ name: "ours", forecast: Float64Array.of(1, 5, 7) }],
  },
];

function plotNamed(name: string): LinePlot {
  const plot = evidence.flatMap(plotsOf).find((one) => one.name === name);
  if (plot?.kind !== "lines") throw new Error(`no plot ${name}`);
  return plot;
}

describe("plots", () => {
  it("draw the ROC whose area is the AUC", () => {
    const { points } = plotNamed("roc-test-week").series[0];
    const area = points
      .slice(1)
      .reduce((total, [x, y], i) => total + ((x - points[i][0]) * (y + points[i][1])) / 2, 0);
    expect(points.at(-1)).toEqual([1, 1]);
    expect(area).toBeCloseTo(auc({ scores, labels }), 12);
  });

  it("draw precision and recall down to the base rate", () => {
    const { points } = plotNamed("precision-recall-test-week").series[0];
    const rate = labels.reduce((total, label) => total + label, 0) / labels.length;
    expect(points.at(-1)).toEqual([1, rate]);
  });

  it("are well-formed SVG, whatever their names hold, and without a reference to anything outside", () => {
    const svgs = evidence.flatMap(plotsOf).map(renderSvg);
    expect(svgs).toHaveLength(7);
    for (const svg of svgs) {
      expect(svg).not.toMatch(/NaN|Infinity|undefined/);
      expect(svg.replace('xmlns="http://www.w3.org/2000/svg"', "")).not.toMatch(/https?:|href|url\(/);
      // Tags close in the order in which they open.
      const open: string[] = [];
      for (const [, close, name, empty] of svg.matchAll(/<(\/?)([a-z]+)[^>]*?(\/?)>/g)) {
        if (close === "/") expect(open.pop()).toBe(name);
        else if (empty !== "/") open.push(name);
      }
      expect(open).toEqual([]);
    }
    expect(svgs[0]).toContain("Test &lt;week&gt;");
  });

  it("stand constant values and a single point", () => {
    const flat: Evidence[] = [
      {
        kind: "residuals",
        title: "flat",
        actual: Float64Array.of(0),
        series: [{ name: "o", forecast: Float64Array.of(0) }],
      },
      { kind: "importance", title: "none", unit: "u", values: { a: 0 } },
      { kind: "hits", title: "none", series: [{ name: "o", shares: [] }] },
    ];
    for (const plot of flat.flatMap(plotsOf)) expect(renderSvg(plot)).not.toMatch(/NaN|Infinity/);
  });
});

describe("a report", () => {
  const files = renderReport({
    title: "millrace evaluate x",
    command: "millrace evaluate x --seed 1",
    createdAt: "2026-01-05T00:00:00.000Z",
    doc: "what <it> is",
    result: {
      seed: 1,
      auc: 0.9,
      all: { hitRate20: 0.5 },
      reliability: [{ rows: 1 }],
      baselines: { chance: { auc: 0.5 }, popular: { all: { hitRate20: 0.123456789 } } },
    },
    evidence,
  });
  const text = (name: string): string => files.find((file) => file.name === name)?.text ?? "";

  it("has the baselines beside each figure, and the rest apart", () => {
    const lines = text("report.md").split("\n");
    expect(lines).toContain("| figure | ours | chance | popular |");
    expect(lines).toContain("| auc | 0.9 | 0.5 |  |");
    expect(lines).toContain("| all.hitRate20 | 0.5 |  | 0.12346 |");
    expect(lines).toContain("| seed | 1 |");
    expect(lines).toContain("    millrace evaluate x --seed 1");
  });

  it("has its plots beside the Markdown, and within the page, which asks for nothing", () => {
    const named = [...text("report.md").matchAll(/\]\((.+\.svg)\)/g)].map(([, name]) => name);
    expect(named).toHaveLength(7);
    for (const name of named) expect(text(name)).toContain("<svg");
    const page = text("report.html");
    expect(page.match(/<svg /g)).toHaveLength(7);
    expect(page.replaceAll('xmlns="http://www.w3.org/2000/svg"', "")).not.toMatch(
      /https?:|<script|<link|src=|url\(/,
    );
    expect(page).toContain("what &lt;it&gt; is");
  });
});
