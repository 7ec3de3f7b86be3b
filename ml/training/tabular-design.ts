import { type CsvTable, csvColumn } from "./csv.ts";
import { unusableFile } from "./input-file.ts";
import type { Design } from "./logistic-regression.ts";

/** How the columns of a file become inputs of a linear model. */
export interface TabularSpec {
  /** Boolean column with the outcome. */
  readonly label: string;
  /** Numbers that are not negative. */
  readonly numeric: readonly string[];
  readonly categorical: readonly string[];
  /** A numeric column whose being above 0 changes what all others mean; null for none. */
  readonly gate: string | null;
}

/** Knots of the splines, as quantiles of the values above 0. */
const KNOTS = [0.25, 0.5, 0.75, 0.9];

/** Rarer categories of the training file share the all-zero code with unknown ones. */
const CATEGORY_ROWS_MIN = 20;

/** Turns rows into inputs; learned on the training rows alone. */
export interface TabularEncoder {
  readonly columns: number;
  design(table: CsvTable, rows: Int32Array): Design;
}

/**
 * A linear model's inputs from a table: each number as log(1 + x / median), as being above 0, and
 * as a linear spline (Hastie, Tibshirani and Friedman, 5.2); products of each two numbers; one
 * indicator a category; and all of these but the products once more for the rows above the gate.
 */
export function fitTabular(spec: TabularSpec, table: CsvTable, rows: Int32Array): TabularEncoder {
  const numbers = spec.numeric.map((name) => fitNumber(table, name, rows));
  const categories = spec.categorical.map((name) => fitCategory(table, name, rows));
  const singles =
    numbers.reduce((total, number) => total + 2 + number.knots.length, 0) +
    categories.reduce((total, category) => total + category.levels.length, 0);
  const products = (numbers.length * (numbers.length - 1)) / 2;
  const gate = spec.gate === null ? -1 : spec.numeric.indexOf(spec.gate);
  const columns = singles * (gate < 0 ? 1 : 2) + products;

  const encode = (source: Source, row: number, out: Float64Array, base: number): void => {
    let at = base;
    const logs = numbers.map((number, index) => Math.log1p(source.numbers[index](row) / number.unit));
    numbers.forEach((number, index) => {
      out[at++] = logs[index];
      out[at++] = logs[index] > 0 ? 1 : 0;
      for (const knot of number.knots) out[at++] = Math.max(0, logs[index] - knot);
    });
    categories.forEach((category, index) => {
      const value = source.categories[index](row);
      for (const level of category.levels) out[at++] = level === value ? 1 : 0;
    });
    if (gate >= 0) {
      if (logs[gate] > 0) out.copyWithin(at, base, at);
      at += singles;
    }
    for (let i = 0; i < logs.length; i++) for (let j = 0; j < i; j++) out[at++] = logs[i] * logs[j];
  };

  return {
    columns,
    design(from, chosen) {
      const source = openSource(spec, from);
      const vectors = new Float64Array(chosen.length * columns);
      chosen.forEach((row, index) => {
        encode(source, row, vectors, index * columns);
      });
      return { vectors, labels: readLabels(spec, from, chosen), rows: chosen.length, columns };
    },
  };
}

/** Labels of the rows, 0 or 1. Throws code `file-unusable` where a cell is no truth value. */
export function readLabels(spec: TabularSpec, table: CsvTable, rows: Int32Array): Float64Array {
  const column = csvColumn(table, spec.label);
  return Float64Array.from(rows, (row) => {
    const cell = table.rows[row][column].trim().toLowerCase();
    if (cell === "true" || cell === "1") return 1;
    if (cell === "false" || cell === "0") return 0;
    throw badCell(table, row, spec.label, "TRUE or FALSE");
  });
}

interface Source {
  readonly numbers: readonly ((row: number) => number)[];
  readonly categories: readonly ((row: number) => string)[];
}

function openSource(spec: TabularSpec, table: CsvTable): Source {
  return {
    numbers: spec.numeric.map((name) => numberReader(table, name)),
    categories: spec.categorical.map((name) => textReader(table, name)),
  };
}

/** Reads a column's numbers, negative ones as 0. Throws code `file-unusable` where a cell is none. */
export function numberReader(table: CsvTable, name: string): (row: number) => number {
  const column = csvColumn(table, name);
  return (row) => {
    const cell = table.rows[row][column].trim();
    const value = Number(cell);
    // The public file has a few durations of -1, for a page that was not timed.
    if (cell === "" || !Number.isFinite(value)) throw badCell(table, row, name, "a number");
    return Math.max(0, value);
  };
}

/** Reads a column's cells, trimmed and in lower case. */
export function textReader(table: CsvTable, name: string): (row: number) => string {
  const column = csvColumn(table, name);
  return (row) => table.rows[row][column].trim().toLowerCase();
}

function fitNumber(
  table: CsvTable,
  name: string,
  rows: Int32Array,
): { readonly unit: number; readonly knots: readonly number[] } {
  const read = numberReader(table, name);
  const above = Float64Array.from(rows, read)
    .filter((value) => value > 0)
    .sort();
  if (above.length === 0) return { unit: 1, knots: [] };
  const quantile = (share: number): number => above[Math.floor(share * (above.length - 1))];
  const unit = quantile(0.5);
  return { unit, knots: [...new Set(KNOTS.map((share) => Math.log1p(quantile(share) / unit)))] };
}

function fitCategory(
  table: CsvTable,
  name: string,
  rows: Int32Array,
): { readonly levels: readonly string[] } {
  const read = textReader(table, name);
  const counts = new Map<string, number>();
  for (const row of rows) counts.set(read(row), (counts.get(read(row)) ?? 0) + 1);
  const levels = [...counts].filter(([, count]) => count >= CATEGORY_ROWS_MIN).map(([level]) => level);
  return { levels: levels.sort() };
}

function badCell(table: CsvTable, row: number, column: string, expected: string): Error {
  const found = table.rows[row][csvColumn(table, column)];
  const detail = `column ${column}: found ${JSON.stringify(found)}, expected ${expected}`;
  return unusableFile(table.path, detail, { line: row + 2 });
}
