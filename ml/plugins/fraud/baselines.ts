import { fitLogistic, logOdds, sigmoid } from "../../training/logistic-regression.ts";
import { createRandom } from "../../training/random.ts";
import type { LabelledTable } from "../../training/trees/boost.ts";

/** Rows that the logistic regression is fitted on: its Newton steps cost the square of the features. */
const GENUINE_ROWS_MAX = 20_000;

/** One feature as a score, missing values lowest: its rank says as much as any curve through it. */
export function scoreByFeature(test: LabelledTable, feature: string): Float64Array {
  const column = test.columns[test.featureNames.indexOf(feature)];
  return Float64Array.from(column, (value) => (Number.isNaN(value) ? Number.NEGATIVE_INFINITY : value));
}

/** Logistic regression on the same features, a missing value as 0, counts and times as log(1 + x). */
export function scoreByLogistic(train: LabelledTable, test: LabelledTable, seed: number): Float64Array {
  const random = createRandom(seed);
  const genuine = train.labels.reduce((count, label) => count + 1 - label, 0);
  const share = Math.min(1, GENUINE_ROWS_MAX / genuine);
  const chosen = Int32Array.from(train.labels.keys()).filter(
    (row) => train.labels[row] === 1 || random() < share,
  );
  const columns = train.columns.length;
  const vectors = designOf(train, chosen);
  const labels = Float64Array.from(chosen, (row) => train.labels[row]);
  const model = fitLogistic({ vectors, labels, rows: chosen.length, columns }, { l2: 1 });
  // The fit saw fewer genuine rows than there are: the odds shrink by as much.
  const weight = (train.weights?.reduce((most, one) => Math.max(most, one), 1) ?? 1) / share;
  const tested = designOf(test, Int32Array.from(test.labels.keys()));
  return Float64Array.from(test.labels, (_, row) =>
    sigmoid(logOdds(model, tested, row * columns) - Math.log(weight)),
  );
}

function designOf(rows: LabelledTable, chosen: Int32Array): Float64Array {
  const width = rows.columns.length;
  const vectors = new Float64Array(chosen.length * width);
  rows.columns.forEach((column, feature) => {
    chosen.forEach((row, i) => {
      const value = column[row];
      vectors[i * width + feature] = Number.isFinite(value)
        ? Math.sign(value) * Math.log1p(Math.abs(value))
        : 0;
    });
  });
  return vectors;
}
