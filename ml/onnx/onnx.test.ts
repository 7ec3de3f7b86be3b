import { createRequire } from "node:module";
import { beforeAll, describe, expect, it } from "vitest";
import { MillraceError } from "../../schema/index.ts";
import { isServed, type Scorer } from "../plugin.ts";
import { mlPlugins } from "../plugin-lists.ts";
import { createLogisticScorer } from "../plugins/propensity/logistic-scorer.ts";
import { fitLogistic } from "../training/logistic-regression.ts";
import { createNetworkScorer } from "../training/network/dense-network.ts";
import { createRandom } from "../training/random.ts";
import { fitTrees } from "../training/trees/boost.ts";
import { averageForests, createForestScorer } from "../training/trees/forest.ts";
import { readOnnxMetadata } from "./onnx-metadata.ts";
import { createOnnxScorer } from "./onnx-scorer.ts";
import { openOnnxSession } from "./onnx-session.ts";
import { ProtoMessage } from "./protobuf.ts";

const NAMES = ["steps", "amount", "rare", "noise"];
const ROWS = 2000;
const SEED = 7;

interface Rows {
  readonly vectors: Float64Array;
  readonly labels: Float64Array;
}

/** Outcomes that depend on the first two features; a missing share, and one value in a hundred infinite. */
function makeRows(missingShare: number): Rows {
  const random = createRandom(SEED);
  const vectors = new Float64Array(ROWS * NAMES.length);
  const labels = Float64Array.from({ length: ROWS }, (_, row) => {
    const steps = Math.floor(8 * random());
    const amount = 1e6 * random() ** 3;
    vectors.set([steps, amount, random() < 0.02 ? 1 : 0, random() - 0.5], row * NAMES.length);
    return random() < 1 / (1 + Math.exp(3 - steps - amount / 4e5)) ? 1 : 0;
  });
  for (let cell = 0; cell < vectors.length; cell++) {
    if (random() < missingShare) vectors[cell] = cell % 100 === 0 ? Number.POSITIVE_INFINITY : Number.NaN;
  }
  return { vectors, labels };
}

function fitForest({ vectors, labels }: Rows): Scorer {
  const table = {
    featureNames: NAMES,
    rows: ROWS,
    columns: NAMES.map((_, j) =>
      Float32Array.from(labels, (_, row) => vectors[row * NAMES.length + j]).map((x) =>
        Number.isFinite(x) ? x : Number.NaN,
      ),
    ),
    labels: Uint8Array.from(labels),
  };
  const forests = [1, 2].map((seed) =>
    fitTrees(table, {
      trees: 40,
      learningRate: 0.2,
      leavesMax: 12,
      l2: 1,
      minChildWeight: 1,
      featureShare: 1,
      positiveShare: 0.8,
      negativeShare: 0.8,
      seed,
    }),
  );
  return createForestScorer(averageForests(forests), "trees-1");
}

function fitLinear({ vectors, labels }: Rows): Scorer {
  const model = fitLogistic({ vectors, labels, rows: ROWS, columns: NAMES.length }, { l2: 1 });
  return createLogisticScorer(NAMES, "linear-1", model);
}

/** Random weights: what it says is of no matter, only that both say it. */
function makeNetwork(mayMiss: boolean): Scorer {
  const random = createRandom(SEED);
  const missing = mayMiss ? Int32Array.of(0, 1, 3) : new Int32Array();
  const numbers = (count: number): Float32Array =>
    Float32Array.from({ length: count }, () => 2 * random() - 1);
  const layer = (inputs: number, outputs: number) => ({
    inputs,
    outputs,
    weights: numbers(inputs * outputs),
    biases: numbers(outputs),
  });
  const network = {
    featureNames: NAMES,
    mean: Float32Array.of(1, 10, 0, 0),
    scale: Float32Array.of(0.7, 3, 0.2, 0.4),
    missing,
    layers: [layer(NAMES.length + missing.length, 16), layer(16, 8), layer(8, 1)],
    slope: 1.3,
    intercept: -0.4,
  };
  return createNetworkScorer(network, "network-1");
}

function exported(scorer: Scorer): Uint8Array {
  const file = scorer.toOnnx?.("fraud");
  if (file === undefined) throw new Error("the scorer does not export itself");
  return file;
}

function scoresOf(scorer: Scorer, { vectors }: Rows): Float64Array {
  const scores = new Float64Array(ROWS);
  scorer.score(vectors, ROWS, scores);
  return scores;
}

function largestDifference(a: Float64Array, b: Float64Array): number {
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);
}

type ExportableScorer = Scorer & Required<Pick<Scorer, "toOnnx">>;

function isScorer(model: object): model is ExportableScorer {
  return "toOnnx" in model;
}

const vectorOf = ({ vectors }: Rows, row: number): Float64Array =>
  vectors.slice(row * NAMES.length, (row + 1) * NAMES.length);

const logit = (p: number): number => Math.log(p / (1 - p));

describe("ONNX export", () => {
  it("of boosted trees scores in onnxruntime as ours within 1e-6, missing and infinite values included", () => {
    const rows = makeRows(0.1);
    const scorer = fitForest(rows);
    const again = createOnnxScorer(exported(scorer), "again", NAMES);
    const ours = scoresOf(scorer, rows);
    expect(largestDifference(scoresOf(again, rows), ours)).toBeLessThan(1e-6);
    // Not by being constant.
    expect(Math.max(...ours) - Math.min(...ours)).toBeGreaterThan(0.5);
  });

  it("of logistic regression scores in onnxruntime as ours within 1e-6, large numbers included", () => {
    const rows = makeRows(0);
    const scorer = fitLinear(rows);
    const again = createOnnxScorer(exported(scorer), "again", NAMES);
    expect(largestDifference(scoresOf(again, rows), scoresOf(scorer, rows))).toBeLessThan(1e-6);
  });

  it.each([0.1, 0])(
    "of a dense network scores in onnxruntime as ours within 1e-6, %f of the values missing",
    (share) => {
      const rows = makeRows(share);
      const scorer = makeNetwork(share > 0);
      const ours = scoresOf(scorer, rows);
      const again = createOnnxScorer(exported(scorer), "again", NAMES);
      expect(largestDifference(scoresOf(again, rows), ours)).toBeLessThan(1e-6);
      expect(Math.max(...ours) - Math.min(...ours)).toBeGreaterThan(0.5);
    },
  );

  it.each(
    mlPlugins.filter(isServed).flatMap((plugin) => {
      const { version, weights } = plugin.defaultModel();
      const model = plugin.load(weights, version);
      return isScorer(model) ? [{ name: plugin.name, model }] : [];
    }),
  )("of $name's built-in model scores in onnxruntime as ours within 1e-6", ({ name, model }) => {
    const random = createRandom(SEED);
    const width = model.featureNames.length;
    const vectors = Float64Array.from({ length: 500 * width }, () => 1000 * random() ** 6);
    const [ours, theirs] = [new Float64Array(500), new Float64Array(500)];
    model.score(vectors, 500, ours);
    createOnnxScorer(model.toOnnx(name), "again", model.featureNames).score(vectors, 500, theirs);
    expect(largestDifference(ours, theirs)).toBeLessThan(1e-6);
  });

  it("names plugin, version and features in the file", () => {
    const metadata = readOnnxMetadata(exported(fitLinear(makeRows(0))));
    expect(Object.fromEntries(metadata)).toMatchObject({
      "millrace.plugin": "fraud",
      "millrace.version": "linear-1",
      "millrace.features": JSON.stringify(NAMES),
    });
  });
});

describe("ONNX import", () => {
  let rows: Rows;
  let linear: Scorer;
  let file: Uint8Array;
  beforeAll(() => {
    rows = makeRows(0);
    linear = fitLinear(rows);
    file = exported(linear);
  });

  it("explains a linear model by its exact contributions", () => {
    const scorer = createOnnxScorer(file, "v1", NAMES);
    const [ours, theirs] = [new Float64Array(NAMES.length), new Float64Array(NAMES.length)];
    for (let row = 0; row < 20; row++) {
      linear.contributions(vectorOf(rows, row), ours);
      scorer.contributions(vectorOf(rows, row), theirs);
      // The file answers in single precision.
      for (let j = 0; j < NAMES.length; j++) expect(theirs[j]).toBeCloseTo(ours[j], 3);
    }
    expect(scorer.bias).toBeCloseTo(linear.bias, 4);
  });

  it("explains trees by contributions that add up to the score's log-odds, the same each time", () => {
    const scorer = createOnnxScorer(exported(fitForest(rows)), "v1", NAMES);
    const scores = scoresOf(scorer, rows);
    for (let row = 0; row < 20; row++) {
      const parts = scorer.explain(vectorOf(rows, row));
      const total = Object.values(parts).reduce((sum, part) => sum + part, 0);
      expect(total).toBeCloseTo(logit(scores[row]), 5);
      expect(scorer.explain(vectorOf(rows, row))).toEqual(parts);
    }
  });

  it("reads a file that lies in the middle of a larger buffer", () => {
    const pool = Buffer.concat([Buffer.alloc(5, 1), file, Buffer.alloc(7, 2)]);
    const scorer = createOnnxScorer(pool.subarray(5, 5 + file.length), "v1", NAMES);
    expect(scoresOf(scorer, rows)).toEqual(scoresOf(createOnnxScorer(file, "v1", NAMES), rows));
  });

  it("scores no vectors, and many at once as one by one", () => {
    const scorer = createOnnxScorer(file, "v1", NAMES);
    const all = scoresOf(scorer, rows);
    const one = new Float64Array(1);
    scorer.score(new Float64Array(0), 0, one);
    expect(one[0]).toBe(0);
    for (let row = 0; row < 20; row++) {
      scorer.score(vectorOf(rows, row), 1, one);
      expect(one[0]).toBeCloseTo(all[row], 12);
    }
  });

  it.each<[string, () => Uint8Array, readonly string[], RegExp]>([
    ["is cut off", () => file.subarray(0, file.length - 9), NAMES, /no ONNX file|does not load/],
    ["is something else", () => new TextEncoder().encode('{"weights":[1]}'), NAMES, /no ONNX file/],
    ["is empty", () => new Uint8Array(), NAMES, /do not name its features/],
    ["has metadata but no model", () => metadataAlone(JSON.stringify(NAMES)), NAMES, /does not load/],
    ["names features that are no JSON", () => metadataAlone("steps"), NAMES, /no JSON/],
    ["has the features in another order", () => file, [...NAMES].reverse(), /another order/],
  ])("refuses a file that %s", (_, bytes, features, message) => {
    const load = (): Scorer => createOnnxScorer(bytes(), "v9", features);
    expect(load).toThrow(expect.objectContaining({ code: "model-incompatible", origin: "user" }));
    expect(load).toThrow(message);
  });

  it("refuses rows of another width than the model's", () => {
    const open = (): unknown => openOnnxSession(file, { modelVersion: "v9", width: 3 });
    expect(open).toThrow(/shape \[-1, 4\], expected \[rows, 3\]/);
  });

  it("says how to install onnxruntime where it is missing", () => {
    const missing = (name: string): unknown => createRequire(import.meta.url)(`${name}-not-installed`);
    const open = (): unknown => openOnnxSession(file, { modelVersion: "v9", width: 4 }, missing);
    expect(open).toThrow(MillraceError);
    expect(open).toThrow(expect.objectContaining({ code: "onnxruntime-missing" }));
    expect(open).toThrow(/npm install onnxruntime-node@1\.30\.0 --onnxruntime-node-install=skip/);
  });
});

function metadataAlone(features: string): Uint8Array {
  return new ProtoMessage()
    .message(14, new ProtoMessage().text(1, "millrace.features").text(2, features))
    .encode();
}
