import { findOccurrences } from "./occurrences.ts";
import { type Ranker, SHOWN } from "./ranking-protocol.ts";
import type { SessionLog } from "./session-log.ts";
import { TopList } from "./top-list.ts";

/** Added to an item's support, so that chance pairs of rare items are not the nearest. */
const KNN_SHRINKAGE = 20;

/** The same items for everyone: those with most events. */
export function popularityBaseline(log: SessionLog): Ranker {
  const { starts } = findOccurrences(log);
  const order = Int32Array.from(log.itemNumbers, (_, item) => item).sort(
    (a, b) => starts[b + 1] - starts[b] - (starts[a + 1] - starts[a]) || a - b,
  );
  return (prefix, mode) => {
    if (mode === "all") return order.subarray(0, SHOWN);
    return order.subarray(0, SHOWN + prefix.length).filter((item) => !prefix.includes(item));
  };
}

/**
 * Plain item-kNN: cosine of the sets of sessions of the last item and of each other one, damped for
 * rare items (the Item-KNN of Hidasi et al., "Session-based recommendations with recurrent neural
 * networks", 2016). Knows no order, no distance, no age, and of the prefix its last item alone; what
 * it has no neighbours for it fills up by popularity.
 */
export function itemKnnBaseline(log: SessionLog): Ranker {
  const count = log.itemNumbers.length;
  const { starts, events, sessions } = findOccurrences(log);
  const support = Float64Array.from({ length: count }, (_, item) => {
    let total = 0;
    for (let k = starts[item]; k < starts[item + 1]; k++) {
      if (k === starts[item] || sessions[events[k]] !== sessions[events[k - 1]]) total++;
    }
    return total;
  });
  const popular = popularityBaseline(log);
  const shared = new Float64Array(count);
  const counted = new Int32Array(count).fill(-1);
  const touched = new Int32Array(count);
  const top = new TopList(SHOWN);
  const shown = new Int32Array(SHOWN);
  return (prefix, mode) => {
    const item = prefix.at(-1) ?? -1;
    let size = 0;
    for (let k = item < 0 ? 0 : starts[item], last = -1; item >= 0 && k < starts[item + 1]; k++) {
      const session = sessions[events[k]];
      if (session === last) continue;
      last = session;
      for (let event = log.starts[session]; event < log.starts[session + 1]; event++) {
        const other = log.items[event];
        if (other === item || counted[other] === session) continue;
        counted[other] = session;
        if (shared[other]++ === 0) touched[size++] = other;
      }
    }
    for (let k = 0; k < size; k++) {
      const other = touched[k];
      const norm = Math.sqrt((support[item] + KNN_SHRINKAGE) * (support[other] + KNN_SHRINKAGE));
      if (mode === "all" || !prefix.includes(other)) top.offer(other, shared[other] / norm);
      shared[other] = 0;
      counted[other] = -1;
    }
    return fillUp(shown, top.drain(shown), popular(prefix, mode));
  };
}

function fillUp(shown: Int32Array, found: number, popular: Int32Array): Int32Array {
  let count = found;
  for (let k = 0; k < popular.length && count < shown.length; k++) {
    if (!shown.subarray(0, count).includes(popular[k])) shown[count++] = popular[k];
  }
  return shown.subarray(0, count);
}
