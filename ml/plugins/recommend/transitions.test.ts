import { describe, expect, it } from "vitest";
import { findOccurrences } from "./occurrences.ts";
import { makeSessionLog, type SessionLog, sessionCount } from "./session-log.ts";
import { walkingSessions } from "./sessions.fixture.ts";
import { countTransitions, recencyWeights, type Transitions } from "./transitions.ts";

interface Pair {
  direct: number;
  forward: number;
  backward: number;
}

/** Every pair of every session, looked at one by one. */
function bruteForce(
  log: SessionLog,
  weights: Float64Array,
  { reach, decay }: { reach: number; decay: number },
): Map<string, Pair> {
  const pairs = new Map<string, Pair>();
  const pair = (item: number, other: number): Pair => {
    const key = `${item} ${other}`;
    const found = pairs.get(key) ?? { direct: 0, forward: 0, backward: 0 };
    pairs.set(key, found);
    return found;
  };
  for (let s = 0; s < sessionCount(log); s++) {
    const session = log.items.subarray(log.starts[s], log.starts[s + 1]);
    session.forEach((earlier, a) => {
      session.forEach((later, b) => {
        if (b <= a || b - a > reach) return;
        const counted = weights[s] * decay ** (b - a - 1);
        pair(earlier, later).forward += counted;
        if (b === a + 1) pair(earlier, later).direct += weights[s];
        if (earlier !== later) pair(later, earlier).backward += counted;
      });
    });
  }
  return pairs;
}

function rowsOf(transitions: Transitions): Map<string, Pair> {
  const pairs = new Map<string, Pair>();
  for (let item = 0; item + 1 < transitions.starts.length; item++) {
    for (let k = transitions.starts[item]; k < transitions.starts[item + 1]; k++) {
      pairs.set(`${item} ${transitions.targets[k]}`, {
        direct: transitions.direct[k],
        forward: transitions.forward[k],
        backward: transitions.backward[k],
      });
    }
  }
  return pairs;
}

describe("transitions", () => {
  const log = makeSessionLog(walkingSessions(400, { items: 30, seed: 1 }));
  const weights = recencyWeights(log, 0.5);
  const count = (neighboursMax: number, reach = 4): Transitions =>
    countTransitions(log, findOccurrences(log), weights, { reach, decay: 0.6, neighboursMax });

  it.each([1, 4, 20])("count every pair within a reach of %i, as brute force does", (reach) => {
    const expected = bruteForce(log, weights, { reach, decay: 0.6 });
    const counted = rowsOf(count(1000, reach));
    expect([...counted.keys()].sort()).toEqual([...expected.keys()].sort());
    for (const [key, pair] of expected) {
      for (const name of ["direct", "forward", "backward"] as const) {
        expect(counted.get(key)?.[name], `${key} ${name}`).toBeCloseTo(pair[name], 4);
      }
    }
  });

  it("keep the strongest neighbours where there are too many", () => {
    const all = rowsOf(count(1000));
    const kept = count(5);
    for (let item = 0; item < log.itemNumbers.length; item++) {
      const strengths = [...all]
        .filter(([key]) => key.startsWith(`${item} `))
        .map(([, { forward, backward }]) => forward + backward)
        .sort((a, b) => b - a);
      const row = [...rowsOf(kept)].filter(([key]) => key.startsWith(`${item} `));
      expect(row.length).toBe(Math.min(5, strengths.length));
      for (const [, { forward, backward }] of row) {
        expect(forward + backward).toBeGreaterThanOrEqual(strengths[row.length - 1] - 1e-5);
      }
    }
  });

  it("count newer sessions more", () => {
    const two = makeSessionLog([
      [1, 2],
      [1, 3],
    ]);
    const { forward } = countTransitions(two, findOccurrences(two), recencyWeights(two, 0.5), {
      reach: 3,
      decay: 0.5,
      neighboursMax: 5,
    });
    expect(forward[1] / forward[0]).toBeCloseTo(Math.E, 5);
  });
});
