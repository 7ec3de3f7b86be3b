/**
 * Works on items, so many at a time; resolves to the results in the items' order. After a failure no further item is begun,
 * and it is passed on when none is under way any more.
 */
export async function someAtOnce<T, R>(
  items: Iterable<T>,
  count: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const entries = [...items].entries();
  const results: R[] = [];
  let hasFailed = false;
  // They share the iterator: each takes what comes next.
  const takeTurns = async (): Promise<void> => {
    for (const [index, item] of entries) {
      try {
        results[index] = await work(item);
      } catch (error) {
        hasFailed = true;
        throw error;
      }
      if (hasFailed) return;
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: count }, takeTurns));
  for (const each of ended) if (each.status === "rejected") throw each.reason;
  return results;
}
