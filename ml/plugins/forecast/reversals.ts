/** A line of an order, or of its cancellation with a negative quantity. */
export interface OrderLine {
  readonly code: string;
  readonly customer: string;
  readonly quantity: number;
  /** Number of the period that demand is added up over: both lines have to lie in it. */
  readonly week: number;
}

/**
 * Finds orders that were taken back: 1 for each line that a later line of the same customer, product
 * and week cancels, unit for unit. Within one week only, so that no forecast from the end of a week
 * knows of what was taken back after it. Of several equal orders the latest is taken back.
 */
export function cancelReversals(lines: readonly OrderLine[]): Uint8Array {
  const reversed = new Uint8Array(lines.length);
  const open = new Map<string, number[]>();
  lines.forEach(({ code, customer, quantity, week }, index) => {
    const key = `${code}\t${customer}\t${Math.abs(quantity)}\t${week}`;
    if (quantity > 0) {
      const orders = open.get(key);
      if (orders === undefined) open.set(key, [index]);
      else orders.push(index);
      return;
    }
    const order = open.get(key)?.pop();
    if (order !== undefined) reversed[order] = 1;
  });
  return reversed;
}
