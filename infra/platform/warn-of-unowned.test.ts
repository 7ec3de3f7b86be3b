import { describe, expect, test } from "vitest";
import { warnOfUnowned } from "./warn-of-unowned.ts";

/** What is said while the owned partitions are these, one check after the other. */
async function warnings(checks: readonly (readonly number[] | Error)[]): Promise<string[]> {
  const said: string[] = [];
  const stop = new AbortController();
  const left = [...checks];
  await warnOfUnowned({
    partitions: 3,
    ownedPartitions: async () => {
      const owned = left.shift() as readonly number[] | Error;
      if (owned instanceof Error) throw owned;
      return owned;
    },
    warn: (message) => said.push(message),
    sleep: async () => {
      if (left.length === 0) stop.abort();
    },
    signal: stop.signal,
  });
  return said;
}

describe("whoever waits for workers", () => {
  test("hears once that there are none, and what to do", async () => {
    expect(await warnings([[], [], [], []])).toEqual([
      "no worker has partition 0, 1, 2: start `millrace worker`; waiting for it",
    ]);
  });

  test("hears of the partitions that are still nobody's when others have an owner", async () => {
    expect(await warnings([[], [], [0, 2], [0, 2]])).toHaveLength(2);
  });

  test("hears nothing while the group changes, its server is away, or all have an owner", async () => {
    expect(await warnings([[], [0, 1, 2], [], new Error("away"), [0, 1, 2], [2, 1, 0]])).toEqual([]);
  });
});
