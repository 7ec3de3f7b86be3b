import { beforeAll, describe, expect, it } from "vitest";
import { createRandom } from "../random.ts";
import type { LabelledTable } from "../trees/boost.ts";
import {
  createNetworkScorer,
  type DenseNetwork,
  inputCount,
  NetworkRunner,
  networkFromJson,
  networkToJson,
  writeInputs,
} from "./dense-network.ts";
import { fitNetwork, forward } from "./fit-network.ts";
import { loadTensorflow } from "./load-tensorflow.ts";

const NAMES = ["sum", "product", "noise", "sometimes"];
const OPTIONS = {
  hidden: [12, 6],
  learningRate: 0.01,
  batchRows: 64,
  epochsMax: 12,
  patience: 3,
  positiveWeightMax: 5,
  seed: 4,
};

/** Positive where two features agree in sign and one more is large: no line tells it. */
function table(rows: number, seed: number): LabelledTable {
  const random = createRandom(seed);
  const columns = NAMES.map(() => new Float32Array(rows));
  const labels = new Uint8Array(rows);
  for (let row = 0; row < rows; row++) {
    const [a, b, c] = [random() * 8 - 4, random() * 8 - 4, random() * 1000];
    [a, b, random() < 0.01 ? Number.POSITIVE_INFINITY : c, random() < 0.3 ? Number.NaN : a * 3].forEach(
      (value, j) => {
        columns[j][row] = value;
      },
    );
    labels[row] = a * b > 0 && random() < 0.4 ? 1 : 0;
  }
  return { featureNames: NAMES, columns, rows, labels };
}

const vectorOf = ({ columns }: LabelledTable, row: number): Float64Array =>
  Float64Array.from(columns, (column) => column[row]);

describe("network", () => {
  const later = table(600, 2);
  let network: DenseNetwork;
  beforeAll(async () => {
    network = await fitNetwork(table(3000, 1), later, OPTIONS);
  });

  it("learns what no linear model can, calibrated", () => {
    const scorer = createNetworkScorer(network, "v");
    const out = new Float64Array(1);
    let [positives, meanScore, meanOfPositives] = [0, 0, 0];
    for (let row = 0; row < later.rows; row++) {
      scorer.score(vectorOf(later, row), 1, out);
      positives += later.labels[row];
      meanScore += out[0] / later.rows;
      meanOfPositives += later.labels[row] * out[0];
    }
    expect(meanScore).toBeCloseTo(positives / later.rows, 2);
    expect(meanOfPositives / positives).toBeGreaterThan(1.5 * meanScore);
  });

  it("scores in typed arrays what TensorFlow.js scores, within 1e-6", async () => {
    const { tf } = await loadTensorflow();
    const width = inputCount(network);
    const design = new Float32Array(later.rows * width);
    for (let row = 0; row < later.rows; row++) {
      writeInputs(network, vectorOf(later, row), 0, design, row * width);
    }
    const theirs = tf.tidy(() => {
      const layers = network.layers.map(({ weights, biases, inputs, outputs }) => ({
        weights: tf.tensor2d(weights, [inputs, outputs]),
        biases: tf.tensor1d(biases),
      }));
      const z = forward(tf, layers, tf.tensor2d(design, [later.rows, width]));
      return tf.sigmoid(tf.add(tf.mul(z, network.slope), network.intercept)).dataSync();
    });
    const scorer = createNetworkScorer(network, "v");
    const ours = new Float64Array(1);
    for (let row = 0; row < later.rows; row++) {
      scorer.score(vectorOf(later, row), 1, ours);
      expect(Math.abs(ours[0] - theirs[row])).toBeLessThan(1e-6);
    }
  });

  it("is the same for the same seed, and comes back from its JSON with the same bits", async () => {
    const again = await fitNetwork(table(3000, 1), later, OPTIONS);
    expect(again).toEqual(network);
    const read = networkFromJson(JSON.parse(JSON.stringify(networkToJson(network))), "v", NAMES);
    expect(read).toEqual(network);
  });

  it("has the gradient that small steps of an input show", () => {
    const runner = new NetworkRunner(network);
    for (let row = 0; row < 20; row++) {
      writeInputs(network, vectorOf(later, row), 0, runner.inputs, 0);
      const at = Float32Array.from(runner.inputs);
      runner.logOdds();
      const gradient = Float64Array.from(runner.gradient());
      gradient.forEach((slope, i) => {
        const step = 2 ** -10;
        runner.inputs.set(at);
        runner.inputs[i] = at[i] + step;
        const above = runner.logOdds();
        runner.inputs[i] = at[i] - step;
        const below = runner.logOdds();
        // A rectifier may switch between the two.
        expect(Math.abs((above - below) / (2 * step) - slope)).toBeLessThan(0.5);
      });
    }
  });

  it("explains by contributions that add up to the log-odds", () => {
    const scorer = createNetworkScorer(network, "v");
    const [parts, score] = [new Float64Array(NAMES.length), new Float64Array(1)];
    for (let row = 0; row < 50; row++) {
      const vector = vectorOf(later, row);
      scorer.score(vector, 1, score);
      scorer.contributions(vector, parts);
      const total = parts.reduce((sum, part) => sum + part, scorer.bias);
      expect(total).toBeCloseTo(Math.log(score[0] / (1 - score[0])), 6);
      expect(Object.values(scorer.explain(vector)).reduce((sum, part) => sum + part)).toBeCloseTo(total, 9);
    }
  });

  it("refuses what it cannot learn from and what is no network", async () => {
    const one = { ...later, labels: new Uint8Array(later.rows) };
    await expect(fitNetwork(one, later, OPTIONS)).rejects.toMatchObject({ code: "dataset-unusable" });
    const json = networkToJson(network);
    const broken: unknown[] = [
      null,
      {},
      { ...json, featureNames: ["other"] },
      { ...json, scale: [0, 1, 1, 1] },
      { ...json, missing: [9] },
      { ...json, layers: [] },
      { ...json, layers: (json.layers as object[]).slice(0, 1) },
      { ...json, slope: null },
    ];
    for (const value of broken) {
      expect(() => networkFromJson(value, "v", NAMES)).toThrow(
        expect.objectContaining({ code: "model-incompatible" }),
      );
    }
  });
});
