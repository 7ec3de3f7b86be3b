import type { PlainRow } from "../../operators/testing/make-batch.ts";
import type { TopicRow } from "./run-detector.ts";

/**
 * One of the orders in which a task may read the logs of its topics: each topic's own is kept. With a
 * `skew` of 0 they go side by side; the higher it is, the farther one runs ahead of the others.
 */
export function interleaved(
  logs: ReadonlyMap<string, readonly PlainRow[]>,
  random: () => number,
  skew: number,
): TopicRow[] {
  const sources = [...logs].map(([topic, rows]) => ({ topic, rows, at: 0, weight: 1 }));
  const read: TopicRow[] = [];
  for (;;) {
    const open = sources.filter(({ rows, at }) => at < rows.length);
    if (open.length === 0) return read;
    if (random() < 0.02) for (const source of sources) source.weight = random() ** skew;
    const shares = open.map(({ rows, at, weight }) => (rows.length - at) * weight);
    let place = random() * shares.reduce((sum, share) => sum + share, 0);
    const chosen =
      open.find((_, i) => {
        place -= shares[i];
        return place < 0;
      }) ?? open[0];
    read.push({ topic: chosen.topic, row: chosen.rows[chosen.at++] });
  }
}
