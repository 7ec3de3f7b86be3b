import type { Scored } from "../../training/metrics.ts";
import { DAY_MS, type PaymentTable } from "./payments.ts";

/** Share of frauds among the `count` highest scores; ties to the earlier row. */
export function precisionAt({ scores, labels }: Scored, count: number): number {
  const order = Int32Array.from(scores.keys()).sort((a, b) => scores[b] - scores[a] || a - b);
  const top = order.subarray(0, count);
  return top.reduce((hits, row) => hits + labels[row], 0) / top.length;
}

/**
 * Card precision of the handbook: each day the `count` cards with the highest scores are looked
 * into, and those found to be used fraudulently are out on later days; the mean over the days of the
 * share that was found.
 */
export function cardPrecision(
  { scores, labels }: Scored,
  payments: Int32Array,
  table: PaymentTable,
  count: number,
): number {
  const days = new Map<number, Map<number, { score: number; fraud: boolean }>>();
  payments.forEach((payment, row) => {
    const day = Math.floor(table.timeMs[payment] / DAY_MS);
    const cards = days.get(day) ?? new Map<number, { score: number; fraud: boolean }>();
    days.set(day, cards);
    const card = cards.get(table.customer[payment]) ?? { score: Number.NEGATIVE_INFINITY, fraud: false };
    card.score = Math.max(card.score, scores[row]);
    card.fraud ||= labels[row] === 1;
    cards.set(table.customer[payment], card);
  });
  const found = new Set<number>();
  let total = 0;
  for (const day of Array.from(days.keys()).sort((a, b) => a - b)) {
    const cards = [...(days.get(day) ?? [])].filter(([customer]) => !found.has(customer));
    const top = cards.sort(([, a], [, b]) => b.score - a.score).slice(0, count);
    const hits = top.filter(([, { fraud }]) => fraud);
    for (const [customer] of hits) found.add(customer);
    total += hits.length / count;
  }
  return total / days.size;
}
