import { type CsvTable, csvColumn } from "../../training/csv.ts";
import type { TabularSpec } from "../../training/tabular-design.ts";
import { numberReader, textReader } from "../../training/tabular-design.ts";
import type { ColumnTable } from "../../training/trees/bins.ts";
import { type BoostOptions, fitTrees } from "../../training/trees/boost.ts";
import { averageForests, type Forest, forestLogOdds } from "../../training/trees/forest.ts";

/** Found by cross-validation on the development file; see ml/README.md. */
const TREES = {
  trees: 300,
  learningRate: 0.03,
  leavesMax: 12,
  l2: 20,
  minChildWeight: 8,
  featureShare: 0.5,
  positiveShare: 0.7,
  negativeShare: 0.7,
} satisfies Partial<BoostOptions>;

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

export interface ShopperTreesOptions {
  readonly seed: number;
  /** Forests whose log-odds are averaged: chance in the draw of rows and features averages out. */
  readonly forests: number;
}

/** Boosted trees on shoppers' sessions, as the public file describes them. */
export function fitShopperTrees(
  spec: TabularSpec,
  table: CsvTable,
  rows: Int32Array,
  labels: Float64Array,
  { seed, forests: count }: ShopperTreesOptions,
): Forest {
  const columns = { ...treeColumns(spec, table, rows), labels: Uint8Array.from(labels) };
  const forests = Array.from({ length: count }, (_, index) =>
    // Seeds of neighbouring runs share no forest.
    fitTrees(columns, { ...TREES, seed: seed * count + index }),
  );
  return averageForests(forests);
}

/** Log-odds of each row. */
export function scoreShopperTrees(
  forest: Forest,
  spec: TabularSpec,
  table: CsvTable,
  rows: Int32Array,
): Float64Array {
  const { columns } = treeColumns(spec, table, rows);
  const width = columns.length;
  const vector = new Float64Array(width);
  return Float64Array.from(rows, (_, row) => {
    for (let j = 0; j < width; j++) vector[j] = columns[j][row];
    return forestLogOdds(forest, vector, 0);
  });
}

/**
 * What trees split on: each number as it is, months by the calendar, other categories by their
 * number (else missing), and times and rates per page, which a tree would need many splits for.
 */
function treeColumns(spec: TabularSpec, table: CsvTable, rows: Int32Array): ColumnTable {
  const number = (name: string): Float32Array => Float32Array.from(rows, numberReader(table, name));
  const features = new Map<string, Float32Array>();
  for (const name of spec.numeric) features.set(name, number(name));
  for (const name of spec.categorical) features.set(name, category(table, name, rows));
  const [administrative, informational, product] = ["Administrative", "Informational", "ProductRelated"].map(
    (name) => ({ pages: number(name), seconds: number(`${name}_Duration`) }),
  );
  const kinds = [administrative, informational, product];
  const [bounce, exit] = [number("BounceRates"), number("ExitRates")];
  const sum = (values: (kind: (typeof kinds)[number]) => Float32Array): Float32Array =>
    bounce.map((_, row) => kinds.reduce((total, kind) => total + values(kind)[row], 0));
  const pages = sum((kind) => kind.pages);
  // Where there is no such page the quotient is missing.
  const over = (above: Float32Array, below: Float32Array): Float32Array =>
    above.map((value, row) => (below[row] > 0 ? value / below[row] : Number.NaN));
  features.set("pages", pages);
  features.set(
    "seconds",
    sum((kind) => kind.seconds),
  );
  features.set("secondsPerProduct", over(product.seconds, product.pages));
  features.set("secondsPerAdministrative", over(administrative.seconds, administrative.pages));
  features.set("productShare", over(product.pages, pages));
  features.set(
    "exitBeyondBounce",
    exit.map((rate, row) => rate - bounce[row]),
  );
  features.set(
    "exits",
    exit.map((rate, row) => rate * pages[row]),
  );
  features.set(
    "bounces",
    bounce.map((rate, row) => rate * pages[row]),
  );
  return { featureNames: [...features.keys()], columns: [...features.values()], rows: rows.length };
}

function category(table: CsvTable, name: string, rows: Int32Array): Float32Array {
  csvColumn(table, name);
  const read = textReader(table, name);
  return Float32Array.from(rows, (row) => {
    const text = read(row);
    const month = name === "Month" ? MONTHS.indexOf(text.slice(0, 3)) : -1;
    if (month >= 0) return month;
    if (text === "true" || text === "returning_visitor") return 1;
    if (text === "false" || text === "new_visitor") return 0;
    return text === "" ? Number.NaN : Number(text);
  });
}
