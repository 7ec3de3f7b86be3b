import { expect, test } from "vitest";
import { newcomersParts, SHARES_MAX, type Share, shareChange, standbyPartitions } from "./share-change.ts";

const share = (...partitions: number[]): Share => ({ partitions });

test("leaves tasks alone that stay, and begins those of another process that was killed", () => {
  const own = share(0, 1);
  expect(shareChange([own], [0, 1, 2, 3])).toEqual({ staying: [own], ending: [], beginning: [2, 3] });
});

test("ends only the thread that has to give something back", () => {
  const [own, taken] = [share(0, 1), share(2, 3)];
  expect(shareChange([own, taken], [0, 1])).toEqual({ staying: [own], ending: [taken], beginning: [] });
});

test("begins anew what stays of a thread that gives a part of its own back", () => {
  const own = share(0, 1, 2, 3);
  expect(shareChange([own], [0, 1])).toEqual({ staying: [], ending: [own], beginning: [0, 1] });
});

test("takes all together into one thread before there are too many of them", () => {
  const shares = Array.from({ length: SHARES_MAX }, (_, partition) => share(partition));
  const partitions = Array.from({ length: SHARES_MAX + 1 }, (_, partition) => partition);
  expect(shareChange(shares, partitions)).toEqual({ staying: [], ending: shares, beginning: partitions });
  expect(shareChange(shares, partitions.slice(0, -1))).toEqual({
    staying: shares,
    ending: [],
    beginning: [],
  });
});

test("gives everything back where the process has nothing any more", () => {
  const own = share(0);
  expect(shareChange([own], [])).toEqual({ staying: [], ending: [own], beginning: [] });
});

test("stands by for the partitions behind its own, at most so many", () => {
  const standby = (own: readonly number[], most = 3): readonly number[] =>
    standbyPartitions(own, { partitions: 6, most });
  expect(standby([0, 1])).toEqual([2, 3, 4]);
  expect(standby([2, 3])).toEqual([4, 5, 0]);
  expect(standby([0, 5])).toEqual([1, 2, 3]);
  expect(standby([0, 1, 2, 3, 4], 9)).toEqual([5]);
  expect(standby([0, 1], 0)).toEqual([]);
  expect(standby([0, 1, 2, 3, 4, 5])).toEqual([]);
});

test("expects the higher half of what others have, where there are others", () => {
  expect(newcomersParts([2, 0, 3, 1], 4)).toEqual({ given: [2, 3], kept: [0, 1] });
  expect(newcomersParts([0, 1, 2], 4)).toEqual({ given: [2], kept: [0, 1] });
  expect(newcomersParts([0, 1, 2, 3, 4, 5], 2)).toEqual({ given: [4, 5], kept: [0, 1] });
  expect(newcomersParts([0, 1], 0)).toEqual({ given: [], kept: [] });
  expect(newcomersParts([], 4)).toBeNull();
});
