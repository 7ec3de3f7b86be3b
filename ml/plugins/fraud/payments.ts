import type { InputFile } from "../../evaluation.ts";
import { unusableFile } from "../../training/input-file.ts";

/** Card payments by columns, in time order. */
export interface PaymentTable {
  readonly rows: number;
  /** Event time, ms. */
  readonly timeMs: Float64Array;
  /** Numbers from 0, in order of appearance; the same over all files that were read together. */
  readonly customer: Int32Array;
  readonly terminal: Int32Array;
  readonly amount: Float64Array;
  /** 1 where the payment turned out to be fraud. */
  readonly fraud: Uint8Array;
  /** Number of the file that the row comes from. */
  readonly file: Uint8Array;
  readonly customers: number;
  readonly terminals: number;
}

export const DAY_MS = 86_400_000;

const COLUMNS = ["TX_DATETIME", "CUSTOMER_ID", "TERMINAL_ID", "TX_AMOUNT", "TX_FRAUD"] as const;
const DATE_TIME = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/;

/**
 * Reads CSV files of the Fraud Detection Handbook (Le Borgne, Siblini, Lebichot and Bontempi, 2022)
 * as one table. Other columns and the order of the rows do not matter; times are taken as UTC.
 * Rejects with code `file-unusable`, with path and line.
 */
export async function readPayments(files: readonly InputFile[]): Promise<PaymentTable> {
  const parts = [];
  for (const file of files) parts.push({ path: file.path, lines: await file.lines() });
  const rows = parts.reduce((total, { lines }) => total + Math.max(0, lines.length - 1), 0);
  const customers = new Map<string, number>();
  const terminals = new Map<string, number>();
  const table = {
    rows,
    timeMs: new Float64Array(rows),
    customer: new Int32Array(rows),
    terminal: new Int32Array(rows),
    amount: new Float64Array(rows),
    fraud: new Uint8Array(rows),
    file: new Uint8Array(rows),
  };
  let row = 0;
  parts.forEach(({ path, lines }, file) => {
    const read = rowReader(path, lines);
    for (let line = 1; line < lines.length; line++, row++) {
      const [time, customer, terminal, amount, fraud] = read(line);
      table.timeMs[row] = time;
      table.customer[row] = numberOf(customers, customer);
      table.terminal[row] = numberOf(terminals, terminal);
      table.amount[row] = amount;
      table.fraud[row] = fraud;
      table.file[row] = file;
    }
  });
  return { ...inTimeOrder(table), customers: customers.size, terminals: terminals.size };
}

type Row = [time: number, customer: string, terminal: string, amount: number, fraud: number];

function rowReader(path: string, lines: readonly string[]): (line: number) => Row {
  if (lines.length < 2) throw unusableFile(path, "it has no rows under a header line");
  const header = lines[0].replace(/^\uFEFF/, "").split(",");
  const [time, customer, terminal, amount, fraud] = COLUMNS.map((name) => {
    const at = header.indexOf(name);
    if (at < 0) throw unusableFile(path, `it has no column ${name}`, { line: 1 });
    return at;
  });
  return (line) => {
    const cells = lines[line].split(",");
    const refuse = (detail: string): Error => unusableFile(path, detail, { line: line + 1 });
    const found = (at: number, expected: string): Error =>
      refuse(`column ${header[at]}: found ${JSON.stringify(cells[at])}, expected ${expected}`);
    if (cells.length !== header.length) {
      throw refuse(`${cells.length} cells, the header has ${header.length}`);
    }
    const ms = DATE_TIME.test(cells[time]) ? Date.parse(`${cells[time].replace(" ", "T")}Z`) : Number.NaN;
    if (Number.isNaN(ms)) throw found(time, "a time such as 2018-04-01 00:00:31");
    for (const at of [customer, terminal]) if (cells[at] === "") throw found(at, "an identifier");
    const value = cells[amount].trim() === "" ? Number.NaN : Number(cells[amount]);
    if (!(Number.isFinite(value) && value >= 0)) throw found(amount, "an amount");
    if (cells[fraud] !== "0" && cells[fraud] !== "1") throw found(fraud, "0 or 1");
    return [ms, cells[customer], cells[terminal], value, cells[fraud] === "1" ? 1 : 0];
  };
}

function numberOf(numbers: Map<string, number>, id: string): number {
  const known = numbers.get(id);
  if (known !== undefined) return known;
  numbers.set(id, numbers.size);
  return numbers.size - 1;
}

type Columns = Omit<PaymentTable, "customers" | "terminals">;

function inTimeOrder(table: Columns): Columns {
  const { timeMs, rows } = table;
  if (timeMs.every((time, row) => row === 0 || timeMs[row - 1] <= time)) return table;
  const order = Int32Array.from({ length: rows }, (_, row) => row);
  order.sort((a, b) => timeMs[a] - timeMs[b] || a - b);
  const take = <T extends Float64Array | Int32Array | Uint8Array>(column: T): T =>
    column.map((_, row) => column[order[row]]) as T;
  return {
    rows,
    timeMs: take(timeMs),
    customer: take(table.customer),
    terminal: take(table.terminal),
    amount: take(table.amount),
    fraud: take(table.fraud),
    file: take(table.file),
  };
}
