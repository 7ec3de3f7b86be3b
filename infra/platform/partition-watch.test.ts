import { describe, expect, test } from "vitest";
import { PartitionWatch } from "./partition-watch.ts";

describe("who watches the topics' partitions", () => {
  const expected = [
    { name: "orders", partitions: 2 },
    { name: "alerts", partitions: 1 },
  ];
  let now = 0;

  /** What is said of these topics, one look a second. */
  async function warnings(looks: readonly (typeof expected | Error)[], everyMs = 1_000): Promise<string[]> {
    const said: string[] = [];
    const left = [...looks];
    const watch = new PartitionWatch({
      expected,
      topics: async () => {
        const topics = left.shift() as typeof expected | Error;
        if (topics instanceof Error) throw topics;
        return topics;
      },
      warn: (message) => said.push(message),
      clock: () => now,
    });
    for (const _ of looks) {
      await watch.look();
      now += everyMs;
    }
    return said;
  }
  const added = [
    { name: "orders", partitions: 5 },
    { name: "alerts", partitions: 1 },
  ];

  test("hears of one that got more, once, and again after minutes", async () => {
    expect(await warnings([expected, added, added, added])).toEqual([
      expect.stringMatching(/^topic orders has 5 partitions, and 2 of them are read.*rescale/),
    ]);
    expect(await warnings([added, added, added], 400_000)).toHaveLength(2);
  });

  test("hears nothing where all is as it was, or the log is away", async () => {
    expect(await warnings([expected, new Error("away"), expected])).toEqual([]);
  });
});
