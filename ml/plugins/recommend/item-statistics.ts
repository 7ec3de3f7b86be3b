import { type SessionLog, sessionCount } from "./session-log.ts";
import type { Transitions } from "./transitions.ts";

/** Share of the sessions, the newest, that popularity "now" is counted in. */
const RECENT_SHARE = 0.05;

/** What is known of each item without a session to look at. */
export interface ItemStatistics {
  /** Events. */
  readonly events: Int32Array;
  /** Events, each counting what its session counts. */
  readonly weighted: Float64Array;
  /** Events in the newest sessions. */
  readonly recent: Int32Array;
  /** Share of the events that another follows in the session, shrunk. */
  readonly continued: Float64Array;
  /** Sessions since the item was seen last, and since it was seen first. */
  readonly lastAge: Int32Array;
  readonly firstAge: Int32Array;
  /** Decayed returns to the item by event of it, shrunk. */
  readonly returns: Float64Array;
  /** All items, the most popular now first; ties by weighted events, then to the smaller number. */
  readonly byPopularity: Int32Array;
}

export function gatherStatistics(
  log: SessionLog,
  transitions: Transitions,
  sessionWeights: Float64Array,
): ItemStatistics {
  const count = log.itemNumbers.length;
  const sessions = sessionCount(log);
  const firstRecent = Math.floor(sessions * (1 - RECENT_SHARE));
  const events = new Int32Array(count);
  const weighted = new Float64Array(count);
  const recent = new Int32Array(count);
  const continued = new Float64Array(count);
  const lastAge = new Int32Array(count).fill(sessions);
  const firstAge = new Int32Array(count).fill(sessions);
  for (let s = 0; s < sessions; s++) {
    for (let event = log.starts[s]; event < log.starts[s + 1]; event++) {
      const item = log.items[event];
      if (events[item]++ === 0) firstAge[item] = sessions - s;
      weighted[item] += sessionWeights[s];
      lastAge[item] = sessions - s;
      if (s >= firstRecent) recent[item]++;
      if (event + 1 < log.starts[s + 1]) continued[item]++;
    }
  }
  const returns = new Float64Array(count);
  for (let item = 0; item < count; item++) {
    continued[item] /= events[item] + 2;
    for (let k = transitions.starts[item]; k < transitions.starts[item + 1]; k++) {
      if (transitions.targets[k] === item) returns[item] = transitions.forward[k] / (weighted[item] + 2);
    }
  }
  const byPopularity = Int32Array.from({ length: count }, (_, item) => item).sort(
    (a, b) => recent[b] - recent[a] || weighted[b] - weighted[a] || a - b,
  );
  return { events, weighted, recent, continued, lastAge, firstAge, returns, byPopularity };
}
