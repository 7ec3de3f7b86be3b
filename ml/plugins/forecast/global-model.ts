import { createRandom } from "../../training/random.ts";
import { binTable, fitBins } from "../../training/trees/bins.ts";
import { createForest, forestLogOdds } from "../../training/trees/forest.ts";
import { leafOf, type Tree, TreeGrower } from "../../training/trees/grow-tree.ts";
import type { PreparedSeries } from "./methods/local-methods.ts";
import { medianOf } from "./methods/outliers.ts";
import { addSeason } from "./methods/seasonality.ts";

/**
 * Features of a series at one origin for one horizon, all of them in units of its recent mean, so
 * that one model serves large and small sellers.
 */
const FEATURES = [
  "lag1",
  "lag2",
  "lag3",
  "lag4",
  "mean2",
  "mean4",
  "mean26",
  "median8",
  "median26",
  "max8",
  "min8",
  "zeroShare",
  "variation",
  "momentum",
  "longMomentum",
  "panelMomentum",
  "panelLast",
  "logScale",
  "age",
  "horizon",
];

/** Steps of the mean that everything else is measured in. */
const SCALE_WINDOW = 13;
const LONG_WINDOW = 26;
/** Values before the first origin that a row of training is made of. */
const HISTORY_MIN = 8;
const ROWS_MAX = 40_000;
const TREES = 60;
const LEARNING_RATE = 0.1;
/** Ratios beyond this are promotions and large orders: their pull on a leaf is that of this one. */
const ERROR_MAX = 1.5;
const ROW_SHARE = 0.7;
const FEATURE_SHARE = 0.6;

export interface GlobalModelOptions {
  readonly horizon: number;
  readonly seed: number;
}

/**
 * One model over all series: gradient-boosted trees on scaled lags, means and momenta, for the ratio
 * of each coming value to the series' recent mean (Montero-Manso and Hyndman, "Principles and
 * algorithms for forecasting groups of time series", 2021). Returns the forecasts, series by series;
 * null where there are too few rows to learn from. Nothing after the last values is seen.
 */
export function forecastGlobally(
  panel: readonly PreparedSeries[],
  { horizon, seed }: GlobalModelOptions,
): Float64Array | null {
  const width = FEATURES.length;
  const totals = panelTotals(panel);
  const places = trainingPlaces(panel, horizon);
  const rows = places.length;
  if (rows < 200) return null;
  const random = createRandom(seed);
  const table = {
    featureNames: FEATURES,
    columns: FEATURES.map(() => new Float32Array(rows)),
    rows,
  };
  const targets = new Float64Array(rows);
  const weights = new Float64Array(rows);
  const vector = new Float64Array(width);
  let weightSum = 0;
  places.forEach(({ series, origin, h }, row) => {
    const scale = describe(panel[series].adjusted, origin, h, totals, vector);
    for (let j = 0; j < width; j++) table.columns[j][row] = vector[j];
    targets[row] = panel[series].adjusted[origin + h - 1] / scale;
    // Between all series alike and all units alike: small series are many, large ones count.
    weights[row] = Math.sqrt(scale);
    weightSum += weights[row];
  });
  for (let row = 0; row < rows; row++) weights[row] *= rows / weightSum;

  const edges = fitBins(table);
  const bins = binTable(table, edges);
  const grower = new TreeGrower(bins, edges, {
    leavesMax: 8,
    l2: 20,
    minChildWeight: Math.max(20, rows / 100),
    minGain: 0,
  });
  const features = Int32Array.from(edges.keys()).filter((feature) => edges[feature].length > 0);
  const predictions = new Float64Array(rows).fill(1);
  const data = {
    rows: new Int32Array(rows),
    gradients: new Float64Array(rows),
    hessians: new Float64Array(rows),
    count: 0,
  };
  const trees: Tree[] = [];
  for (let round = 0; round < TREES; round++) {
    let count = 0;
    for (let row = 0; row < rows; row++) {
      if (random() >= ROW_SHARE) continue;
      const error = predictions[row] - targets[row];
      data.rows[count] = row;
      data.gradients[count] = weights[row] * Math.max(-ERROR_MAX, Math.min(ERROR_MAX, error));
      data.hessians[count++] = weights[row];
    }
    data.count = count;
    const tree = grower.grow(
      data,
      features.filter(() => random() < FEATURE_SHARE),
    );
    for (let node = 0; node < tree.value.length; node++) tree.value[node] *= LEARNING_RATE;
    for (let row = 0; row < rows; row++) predictions[row] += tree.value[leafOf(tree, bins.columns, row)];
    trees.push(tree);
  }
  const forest = createForest(FEATURES, 1, trees);
  const out = new Float64Array(panel.length * horizon);
  panel.forEach((series, s) => {
    const forecast = out.subarray(s * horizon, (s + 1) * horizon);
    for (let h = 1; h <= horizon; h++) {
      const scale = describe(series.adjusted, series.adjusted.length, h, totals, vector);
      forecast[h - 1] = scale * forestLogOdds(forest, vector, 0);
    }
    addSeason(forecast, series.values.length, series.seasonality);
  });
  return out;
}

interface Place {
  readonly series: number;
  /** Values that the features may see. */
  readonly origin: number;
  readonly h: number;
}

/** Origins of all series, thinned evenly to the rows that training takes. */
function trainingPlaces(panel: readonly PreparedSeries[], horizon: number): Place[] {
  let possible = 0;
  for (const { adjusted } of panel) possible += Math.max(0, adjusted.length - HISTORY_MIN);
  const stride = Math.max(1, Math.ceil((possible * horizon) / ROWS_MAX));
  const places: Place[] = [];
  let turn = 0;
  panel.forEach(({ adjusted }, series) => {
    for (let origin = HISTORY_MIN; origin < adjusted.length; origin++) {
      for (let h = 1; h <= horizon && origin + h <= adjusted.length; h++) {
        if (turn++ % stride === 0) places.push({ series, origin, h });
      }
    }
  });
  return places;
}

/**
 * Mean of all series, each in units of its own mean, by steps before the end: the last is at the end
 * of the array. Series that end at different times are taken to end together.
 */
function panelTotals(panel: readonly PreparedSeries[]): Float64Array {
  const length = panel.reduce((most, { adjusted }) => Math.max(most, adjusted.length), 0);
  const sums = new Float64Array(length);
  const counts = new Float64Array(length);
  for (const { adjusted } of panel) {
    const mean = meanOf(adjusted, 0, adjusted.length) || 1;
    const shift = length - adjusted.length;
    for (let t = 0; t < adjusted.length; t++) {
      sums[shift + t] += adjusted[t] / mean;
      counts[shift + t]++;
    }
  }
  return sums.map((sum, t) => (counts[t] > 0 ? sum / counts[t] : 0));
}

/** Writes the features of the first `origin` values; returns their scale, never 0. */
function describe(
  values: Float64Array,
  origin: number,
  h: number,
  totals: Float64Array,
  out: Float64Array,
): number {
  const from = (window: number): number => Math.max(0, origin - window);
  const mean = meanOf(values, from(SCALE_WINDOW), origin);
  const scale = Math.abs(mean) > 1e-9 ? Math.abs(mean) : 1;
  let at = 0;
  for (let lag = 1; lag <= 4; lag++) out[at++] = values[origin - lag] / scale;
  const mean4 = meanOf(values, from(4), origin) / scale;
  const mean26 = meanOf(values, from(LONG_WINDOW), origin) / scale;
  out[at++] = meanOf(values, from(2), origin) / scale;
  out[at++] = mean4;
  out[at++] = mean26;
  const recent = values.subarray(from(8), origin);
  out[at++] = medianOf(recent) / scale;
  out[at++] = medianOf(values.subarray(from(LONG_WINDOW), origin)) / scale;
  let [max, min] = [recent[0], recent[0]];
  for (const value of recent) {
    if (value > max) max = value;
    if (value < min) min = value;
  }
  out[at++] = max / scale;
  out[at++] = min / scale;
  let zeros = 0;
  let squares = 0;
  for (let t = from(SCALE_WINDOW); t < origin; t++) {
    if (values[t] === 0) zeros++;
    squares += (values[t] - mean) ** 2;
  }
  const window = origin - from(SCALE_WINDOW);
  out[at++] = zeros / window;
  out[at++] = Math.sqrt(squares / window) / scale;
  out[at++] = mean4 - 1;
  out[at++] = 1 - mean26;
  const end = origin + totals.length - values.length;
  const panelMean = meanOf(totals, Math.max(0, end - SCALE_WINDOW), end) || 1;
  out[at++] = meanOf(totals, Math.max(0, end - 4), end) / panelMean;
  out[at++] = totals[end - 1] / panelMean;
  out[at++] = Math.log(scale);
  out[at++] = Math.min(origin, 2 * LONG_WINDOW);
  out[at] = h;
  return scale;
}

function meanOf(values: Float64Array, from: number, to: number): number {
  let total = 0;
  for (let t = from; t < to; t++) total += values[t];
  return to > from ? total / (to - from) : 0;
}
