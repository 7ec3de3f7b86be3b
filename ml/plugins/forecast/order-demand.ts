import type { InputFile } from "../../evaluation.ts";
import { csvColumn, parseCsv } from "../../training/csv.ts";
import { unusableFile } from "../../training/input-file.ts";
import { cancelReversals } from "./reversals.ts";

/** Weekly demand of the best-selling products; arrays from the first whole week on. */
export interface OrderDemand {
  readonly codes: readonly string[];
  /** As sold: what forecasts are measured against. */
  readonly sold: readonly Float64Array[];
  /** Without orders that were cancelled in the same week: what forecasts learn from. */
  readonly cleaned: readonly Float64Array[];
  readonly ordersReversed: number;
}

const DAY_MS = 86_400_000;
const PRODUCTS = 200;
/** 1970-01-01 was a Thursday: days since the Monday before. */
const EPOCH_WEEKDAY = 3;

/**
 * Reads invoices of the form of UCI Online Retail into units a week from Monday. Products are codes
 * that begin with five digits; sales are lines with positive quantity and price whose invoice does
 * not begin with C. The first and the last week are left out where the file has only a part of them.
 * Rejects with code `file-unusable` with the line.
 */
export async function readOrderDemand(file: InputFile): Promise<OrderDemand> {
  const table = parseCsv(await file.text(), file.path);
  const [invoiceAt, codeAt, quantityAt, dateAt, priceAt, customerAt] = [
    "InvoiceNo",
    "StockCode",
    "Quantity",
    "InvoiceDate",
    "UnitPrice",
    "CustomerID",
  ].map((name) => csvColumn(table, name));
  const lines = table.rows.flatMap((cells, row) => {
    const code = cells[codeAt];
    if (!/^\d{5}/.test(code)) return [];
    const line = row + 2;
    const day = Math.floor(Date.parse(`${cells[dateAt].slice(0, 10)}T00:00:00Z`) / DAY_MS);
    const quantity = Number(cells[quantityAt]);
    const price = Number(cells[priceAt]);
    if (!Number.isFinite(day)) throw unusableFile(file.path, `InvoiceDate is "${cells[dateAt]}"`, { line });
    if (!Number.isFinite(quantity) || !Number.isFinite(price)) {
      throw unusableFile(file.path, "Quantity or UnitPrice is no number", { line });
    }
    const cancelled = cells[invoiceAt].startsWith("C");
    if (cancelled ? quantity >= 0 : quantity <= 0 || price <= 0) return [];
    const week = Math.floor((day + EPOCH_WEEKDAY) / 7);
    return [{ code, customer: cells[customerAt], quantity, week, day }];
  });
  if (lines.length === 0) throw unusableFile(file.path, "it has no sales of products");
  const sold = new Map<string, number>();
  for (const { code, quantity } of lines) if (quantity > 0) sold.set(code, (sold.get(code) ?? 0) + quantity);
  const codes = [...sold]
    .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
    .slice(0, PRODUCTS)
    .map(([code]) => code);
  const reversed = cancelReversals(lines);
  const firstDay = lines.reduce((least, { day }) => Math.min(least, day), Number.POSITIVE_INFINITY);
  const lastDay = lines.reduce((most, { day }) => Math.max(most, day), 0);
  // Shops rest at the week's end: a week from Monday to Friday is whole.
  const firstWeek = Math.floor((firstDay + EPOCH_WEEKDAY + 6) / 7);
  const lastWeek = Math.floor((lastDay + EPOCH_WEEKDAY - 4) / 7);
  const weeks = lastWeek - firstWeek + 1;
  if (weeks < 1) throw unusableFile(file.path, "it has no whole week of sales");
  const places = new Map(codes.map((code, place) => [code, place]));
  const tally = (left: (index: number) => boolean): Float64Array[] => {
    const units = codes.map(() => new Float64Array(weeks));
    lines.forEach(({ code, quantity, week }, index) => {
      const place = places.get(code);
      const at = week - firstWeek;
      if (place !== undefined && quantity > 0 && at >= 0 && at < weeks && !left(index))
        units[place][at] += quantity;
    });
    return units;
  };
  return {
    codes,
    sold: tally(() => false),
    cleaned: tally((index) => reversed[index] === 1),
    ordersReversed: reversed.reduce((total, one) => total + one, 0),
  };
}
