import { expect, test } from "vitest";
import { getReadyBesideOthers } from "./get-ready.ts";

/** A spare thread that is warm, and then ready, after so many looks at it. */
class Thread {
  readonly told: string[];
  readonly name: string;
  private looks: number;

  constructor(name: string, looks: number, told: string[]) {
    this.name = name;
    this.looks = looks;
    this.told = told;
  }

  start(): void {
    this.told.push(`${this.name} starts`);
  }

  follow(taskIds: readonly string[]): void {
    const told = `${this.name} follows ${taskIds.join(" ")}`;
    if (!this.told.includes(told)) this.told.push(told);
  }

  get isWarmingUp(): boolean {
    return --this.looks > 0;
  }

  get isGettingReady(): boolean {
    return this.isWarmingUp;
  }
}

/** What it does with what the looks at the group find, of which the last stays. */
async function getReady(found: (readonly number[])[], looks: number) {
  const told: string[] = [];
  let now = 0;
  const expected = await getReadyBesideOthers({
    first: new Thread("first", looks, told),
    spare: new Thread("spare", looks, told),
    ownedPartitions: async () => (found.length > 1 ? found.shift() : found[0]) ?? [],
    most: 4,
    isOver: () => false,
    clock: () => now,
    sleep: async (ms) => {
      now += ms;
    },
  });
  return { expected, told, ms: now };
}

test("does not wait where nobody works", async () => {
  const { expected, told, ms } = await getReady([[]], 1);
  expect({ expected, told }).toEqual({ expected: [], told: [] });
  expect(ms).toBeLessThan(500);
});

test("warms one thread after the other, each with the state of its half", async () => {
  const { expected, told } = await getReady([[0, 1, 2, 3]], 3);
  expect(expected).toEqual([2, 3]);
  expect(told).toEqual([
    "first follows events-2 events-3",
    "spare follows events-0 insights-0 events-1",
    "first starts",
    "spare starts",
  ]);
});

test("goes on while another process comes, and not where all have gone", async () => {
  const changing = Array.from({ length: 8 }, (): number[] => []);
  const { told } = await getReady([[0, 1], ...changing, [0], ...changing, []], 100);
  expect(told).toContain("first follows events-1");
  expect(told).toContain("spare follows events-0 insights-0");
  const { ms } = await getReady([[0, 1], []], 100);
  expect(ms).toBeGreaterThan(4_000);
  expect(ms).toBeLessThan(8_000);
});

test("joins at last where it does not get ready", async () => {
  const { expected, ms } = await getReady([[0, 1]], 1e6);
  expect(expected).toEqual([1]);
  expect(ms).toBeGreaterThanOrEqual(60_000);
  expect(ms).toBeLessThan(61_000);
});
