/**
 * One of the orders in which a task may read the logs of its topics: each topic's own is kept. With a
 * `skew` of 0 they go side by side; the higher it is, the farther one runs ahead of the others.
 */
export function interleaved<T>(logs: Iterable<readonly T[]>, random: () => number, skew: number): T[] {
  const sources = [...logs].map((rows) => ({ rows, at: 0, weight: 1 }));
  const read: T[] = [];
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
    read.push(chosen.rows[chosen.at++]);
  }
}
