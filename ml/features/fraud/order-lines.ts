import { type TextColumn, utf8Decoder } from "../../../schema/index.ts";
import { NO_KEY, stringKey } from "./entity-key.ts";

/** What features take from an order's lines. */
export interface OrderLines {
  readonly count: number;
  /** Of the dearest unit, minor units; NaN where no line says it. */
  readonly unitPriceMax: number;
  /** Product of the line with the largest value; {@link NO_KEY} where there is none. */
  readonly product: number;
}

export const NO_LINES: OrderLines = { count: 0, unitPriceMax: Number.NaN, product: NO_KEY };

/** Lines that are not of the contract's form are passed over. */
export function readOrderLines(column: TextColumn, row: number): OrderLines {
  if (column.empty === true || column.start[row] < 0) return NO_LINES;
  const lines = parse(utf8Decoder.decode(column.bytes.subarray(column.start[row], column.end[row])));
  let [count, unitPriceMax, largest] = [0, Number.NaN, Number.NEGATIVE_INFINITY];
  let dearest: string | null = null;
  for (const line of lines) {
    if (typeof line?.productId !== "string") continue;
    count++;
    const price = typeof line.unitPriceMinor === "number" ? line.unitPriceMinor : 0;
    const quantity = typeof line.quantity === "number" ? line.quantity : 1;
    if (!(price <= unitPriceMax)) unitPriceMax = price;
    if (price * quantity <= largest) continue;
    largest = price * quantity;
    dearest = line.productId;
  }
  return count === 0 ? NO_LINES : { count, unitPriceMax, product: stringKey(dearest ?? "") };
}

type Line = Readonly<Record<string, unknown>> | null;

function parse(text: string): readonly Line[] {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}
