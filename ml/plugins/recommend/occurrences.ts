import { type SessionLog, sessionCount } from "./session-log.ts";

/** Where each item stands in a session log. */
export interface Occurrences {
  /** First entry of each item in `events`, and their count. */
  readonly starts: Int32Array;
  /** Positions in the log's `items`, rising within an item. */
  readonly events: Int32Array;
  /** Session of each event of the log. */
  readonly sessions: Int32Array;
}

export function findOccurrences(log: SessionLog): Occurrences {
  const { items, itemNumbers } = log;
  const starts = new Int32Array(itemNumbers.length + 1);
  for (const item of items) starts[item + 1]++;
  for (let i = 0; i < itemNumbers.length; i++) starts[i + 1] += starts[i];
  const next = starts.slice();
  const events = new Int32Array(items.length);
  for (let event = 0; event < items.length; event++) events[next[items[event]]++] = event;
  const sessions = new Int32Array(items.length);
  for (let s = 0; s < sessionCount(log); s++) sessions.fill(s, log.starts[s], log.starts[s + 1]);
  return { starts, events, sessions };
}
