import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { LocalObjectStore } from "../../../lakehouse/adapters/index.ts";
import {
  buildDataset,
  createModelRegistry,
  type Dataset,
  type EvaluationReport,
  featureNames,
  loadChampion,
  loadVersion,
  type ModelCard,
  positiveRate,
  type Scorer,
} from "../../../ml/index.ts";
import { generatedEvents } from "../../tools/generated-events.ts";
import { exportDataset } from "./export-dataset.ts";
import { onnxPropensity } from "./plugin.ts";

const { version, weights } = onnxPropensity.defaultModel();
const NAMES = featureNames(onnxPropensity);

function expected(): { vectors: Float64Array; scores: Float64Array } {
  const [header, ...lines] = readFileSync(new URL("./expected.csv", import.meta.url), "utf8")
    .trim()
    .split("\n");
  expect(header).toBe([...NAMES, "score"].join(","));
  const rows = lines.map((line) => line.split(",").map(Number));
  return {
    vectors: Float64Array.from(rows.flatMap((row) => row.slice(0, -1))),
    scores: Float64Array.from(rows, (row) => row[NAMES.length]),
  };
}

describe("a model of scikit-learn as a plugin", () => {
  let scorer: Scorer;
  let dataset: Dataset;
  beforeAll(async () => {
    scorer = onnxPropensity.load(weights, version);
    // Another shop than the one that it was trained on.
    const events = generatedEvents(2, { seed: 11, eventsPerSecond: 10 });
    ({ dataset } = await buildDataset(onnxPropensity, events, { seed: 1, rowsMax: 5000 }));
  });

  it("scores as in scikit-learn within 1e-5", () => {
    const { vectors, scores } = expected();
    const ours = new Float64Array(scores.length);
    scorer.score(vectors, scores.length, ours);
    expect(scores.length).toBe(25);
    for (let row = 0; row < ours.length; row++) expect(Math.abs(ours[row] - scores[row])).toBeLessThan(1e-5);
  });

  it("scores the vectors that the stream folds, better than the base rate", () => {
    const { metrics, rows } = onnxPropensity.evaluate(scorer, dataset, positiveRate(dataset.labels));
    expect(rows).toBeGreaterThan(1000);
    expect(metrics.auc.model).toBeGreaterThan(0.7);
    expect(metrics.logLoss.model).toBeLessThan(metrics.logLoss.baseline);
  });

  it("explains a score by contributions that add up to its log-odds", () => {
    const vector = dataset.vectors.subarray(0, NAMES.length);
    const score = new Float64Array(1);
    scorer.score(vector, 1, score);
    const parts = scorer.explain(vector);
    expect(Object.keys(parts)).toEqual(["bias", ...NAMES]);
    const total = Object.values(parts).reduce((sum, part) => sum + part, 0);
    expect(total).toBeCloseTo(Math.log(score[0] / (1 - score[0])), 5);
  });

  it("is trained on files of labelled vectors, in a folder that is made for them", async () => {
    const folder = mkdtempSync(join(tmpdir(), "millrace-onnx-"));
    try {
      const made = join(folder, "new", "deep");
      await exportDataset(made, 2);
      for (const name of ["train.csv", "later.csv"]) {
        const [header, ...rows] = readFileSync(join(made, name), "utf8").trim().split("\n");
        expect(header).toBe([...NAMES, "label"].join(","));
        expect(rows.length).toBeGreaterThan(100);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("lies in the registry as any model does, and is refused where it is broken", async () => {
    const folder = mkdtempSync(join(tmpdir(), "millrace-onnx-"));
    try {
      const registry = createModelRegistry(new LocalObjectStore(folder));
      const publish = async (bytes: Uint8Array): Promise<string> =>
        (await registry.publish(cardOf(onnxPropensity.evaluate(scorer, dataset, 0.1)), bytes)).version;
      const score = (from: Scorer): number => {
        const out = new Float64Array(1);
        from.score(dataset.vectors.subarray(0, NAMES.length), 1, out);
        return out[0];
      };
      const stored = await loadVersion(registry, onnxPropensity, await publish(weights));
      expect(score(stored.scorer)).toBe(score(scorer));
      const broken = await publish(weights.subarray(0, 9000));
      await expect(loadVersion(registry, onnxPropensity, broken)).rejects.toMatchObject({
        code: "model-incompatible",
      });
      expect(await loadChampion(registry, onnxPropensity)).toMatchObject({ source: "default" });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

function cardOf(evaluation: EvaluationReport): Omit<ModelCard, "version" | "weightsSha256"> {
  const { rows } = evaluation;
  return {
    plugin: onnxPropensity.name,
    trainedAt: "2026-01-05T00:00:00.000Z",
    dataRange: { from: "2026-01-01T00:00:00Z", cut: "2026-01-03T00:00:00Z", to: "2026-01-04T00:00:00Z" },
    rows: { train: 44_490, validation: rows, unknownLabel: 0 },
    features: NAMES,
    evaluation,
    incumbent: { version, metric: evaluation.metrics.logLoss.baseline },
    seed: 1,
    codeRevision: "test",
  };
}
